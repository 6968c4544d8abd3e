using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Receives one poem: everything until the server's FIN, or one netstring.</summary>
internal sealed class PoemClient(PoemFetch fetch, PoemRequest request) : Protocol, IProducer
{
    private readonly TimeSpan? _timeout = request.Timeout == TimeSpan.MaxValue ? null : request.Timeout;
    private readonly bool _isFramed = request.Format == PoemFormat.Netstring;
    private FrameReader _frame;
    private ProtocolTimeout? _silence;
    private long _received;
    private StreamTransport? _spliceTarget;
    private Action<int>? _spliced;

    protected internal override Span<byte> ReceiveBuffer => _isFramed ? default : fetch.Receiver.GetBuffer();

    protected internal override void ConnectionMade()
    {
        if (request.IsOwn?.Invoke(Transport) == true)
        {
            GiveUp(new PoemIncompleteError("that is the proxy itself") { MayRetry = true });
            return;
        }

        _silence = new ProtocolTimeout(fetch.Clock, OnSilence);
        _silence.SetTimeout(_timeout);
        fetch.Receiver.Connected(this);
    }

    public void PauseProducing()
    {
        // The server is not silent while nothing is read from it.
        _silence?.SetTimeout(null);
        Transport.PauseProducing();
    }

    public void ResumeProducing()
    {
        if (!Transport.Disconnecting)
        {
            _silence?.SetTimeout(_timeout);
        }

        Transport.ResumeProducing();
    }

    /// <summary>
    /// Makes the kernel send the rest of the poem to a client, without a copy. The receiver gets no more of it. While the
    /// client's transport has unsent bytes, the caller has to pause this one; that transport then resumes its producer.
    /// </summary>
    /// <param name="client">A client to which everything was sent that has arrived.</param>
    /// <param name="spliced">Called with the number of bytes that went to the client.</param>
    /// <returns>False if that is not possible here: nothing has then changed.</returns>
    public bool TrySplice(StreamTransport client, Action<int> spliced)
    {
        if (Transport is not StreamTransport upstream || !client.TryOpenPipe())
        {
            return false;
        }

        // The first call shows whether the system splices these sockets. The next read meets an error of the upstream again.
        Errno error = client.Splice(upstream.Handle, SpliceLimit, out int count);
        if (error is not (Errno.None or Errno.EAGAIN))
        {
            return false;
        }

        _spliceTarget = client;
        _spliced = spliced;
        if (count > 0)
        {
            Spliced(count);
        }

        return true;
    }

    internal override StreamTransport? SpliceTarget(out long max)
    {
        max = SpliceLimit;
        return max > 0 ? _spliceTarget : null;
    }

    internal override void Spliced(int count)
    {
        _silence?.ResetTimeout();
        _received += count;
        if (_isFramed)
        {
            _frame.Skip(count);
        }

        _spliced!(count);
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        _silence?.ResetTimeout();
        try
        {
            Read(data);
        }
        catch (OutOfMemoryException)
        {
            // This poem is too long; other fetches may still have enough memory.
            GiveUp(new PoemIncompleteError(PoemFetch.OutOfMemory));
        }
    }

    protected internal override void ReadConnectionLost()
    {
        Transport.LoseConnection();
        if (_isFramed)
        {
            if (!_frame.Complete)
            {
                fetch.Failed(Retryable(_frame.HasLength
                    ? $"got {_received} of {_frame.Length} bytes"
                    : "the server closed before it said how long the poem is"));
            }
        }
        else if (_received == 0 && !request.AllowEmpty)
        {
            fetch.Failed(Retryable("empty reply"));
        }
        else
        {
            fetch.Complete(_received);
        }
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        _silence?.SetTimeout(null);
        fetch.Failed(reason);
    }

    /// <summary>The maximum number of bytes to splice. The comma of a netstring is not spliced, but read and checked here.</summary>
    private long SpliceLimit => _isFramed ? _frame.Left : long.MaxValue;

    private static Failure Retryable(string reason) => new(new PoemIncompleteError(reason) { MayRetry = true });

    private void Read(ReadOnlySpan<byte> data)
    {
        if (!_isFramed)
        {
            _ = Take(data);
            return;
        }

        while (!data.IsEmpty && !_frame.Complete)
        {
            bool hadLength = _frame.HasLength;
            if (!_frame.TryRead(ref data, out ReadOnlySpan<byte> payload))
            {
                GiveUp(new PoemIncompleteError("the server sent no netstring") { MayRetry = true });
                return;
            }

            if (_frame.HasLength && !hadLength)
            {
                fetch.Receiver.Announced(_frame.Length);
            }

            if (!payload.IsEmpty && !Take(payload))
            {
                return;
            }
        }

        // The end of the frame is the end of the poem. Bytes after it are ignored: whether they arrive in the same read is
        // a matter of chance.
        if (_frame.Complete)
        {
            _silence?.SetTimeout(null);
            Transport.LoseConnection();
            fetch.Complete(_received);
        }
    }

    private bool Take(ReadOnlySpan<byte> data)
    {
        _received += data.Length;
        bool stored = fetch.Receiver.Received(data);
        if (!stored)
        {
            GiveUp(new PoemIncompleteError("the poem could not be stored"));
        }

        return stored;
    }

    private void OnSilence() =>
        GiveUp(new PoemIncompleteError($"timed out: nothing came for {request.Timeout.TotalSeconds:0.###} s") { MayRetry = true });

    private void GiveUp(PoemIncompleteError error)
    {
        fetch.Failed(new Failure(error));
        Transport.AbortConnection();
    }
}
