namespace Poetry.Net;

/// <content>Output to the peer.</content>
internal sealed partial class StreamTransport
{
    /// <summary>A producer is paused when more than this waits to be sent; the value is Twisted's.</summary>
    private const int MaxPendingBytes = 64 * 1024;

    /// <summary>The maximum number of send calls for one connection in one turn, so that other connections get their turn.</summary>
    private const int WritesPerTurn = 4;

    private WriteQueue _queue;
    private IProducer? _producer;

    public long BytesSent { get; private set; }

    public long BytesPending => _queue.Length;

    private bool MayWrite => _state == State.Open && !Has(Flags.WriteEnding) && !Has(Flags.WriteEnded);

    public unsafe void Write(ReadOnlySpan<byte> data)
    {
        if (!MayWrite || data.IsEmpty)
        {
            return;
        }

        int sent = 0;
        if (_queue.IsEmpty)
        {
            Errno error;
            fixed (byte* bytes = data)
            {
                error = NativeSocket.Send(Handle, bytes, data.Length, more: false, out sent);
            }

            if (!Took(error, sent) || sent == data.Length)
            {
                return;
            }
        }

        _queue.AppendCopy(data[sent..]);
        AwaitWritable();
    }

    public void Write(ReadOnlyMemory<byte> shared) => WriteShared(shared, last: false);

    public void WriteLast(ReadOnlyMemory<byte> shared)
    {
        WriteShared(shared, last: true);
        LoseConnection();
    }

    public void RegisterProducer(IProducer producer)
    {
        ITransport.ThrowIfOther(_producer, producer);
        _producer = producer;
        PauseProducerIfFull();
    }

    public void UnregisterProducer()
    {
        _producer = null;
        _flags &= ~Flags.ProducerPaused;
    }

    protected internal override void DoWrite()
    {
        // A connection that ended earlier in this turn must stay in the list of closing connections.
        if (_state is not (State.Open or State.Flushing))
        {
            return;
        }

        for (int writes = 0; writes < WritesPerTurn && !_queue.IsEmpty; writes++)
        {
            Errno error = _queue.Flush(Handle, more: _state == State.Flushing, out int sent);
            if (!Took(error, sent))
            {
                return;
            }

            if (error == Errno.EAGAIN)
            {
                break;
            }
        }

        if (_queue.IsEmpty)
        {
            OnQueueSent();
        }
        else
        {
            RestartSendTimeout();
        }
    }

    private void WriteShared(ReadOnlyMemory<byte> shared, bool last)
    {
        if (!MayWrite || shared.IsEmpty)
        {
            return;
        }

        bool wasEmpty = _queue.IsEmpty;
        _queue.AppendShared(shared);
        if (!wasEmpty)
        {
            PauseProducerIfFull();
            return;
        }

        // The last bytes and the FIN after them are sent together: one packet instead of two.
        Errno error = _queue.Flush(Handle, more: last, out int sent);
        if (Took(error, sent) && !_queue.IsEmpty)
        {
            AwaitWritable();
        }
    }

    /// <summary>Prepares for <see cref="Splice"/>.</summary>
    /// <returns>False if this system, or this process, has no pipe for it.</returns>
    internal bool TryOpenPipe()
    {
        if (!MayWrite || !_queue.TryOpenPipe())
        {
            return false;
        }

        // 0 is the kernel's own limit, which allows large parts: with 64 KiB, splicing costs 1.5 times as much.
        _ = NativeSocket.SetUnsentLimit(Handle, 0);
        return true;
    }

    /// <summary>
    /// Sends what another connection has received, without a copy. Bytes that the kernel does not take at once stay in the
    /// pipe: the caller then has to pause the source. This transport resumes its producer when the pipe is empty.
    /// </summary>
    /// <param name="source">The socket of the other connection.</param>
    /// <param name="max">The maximum number of bytes to take from it.</param>
    /// <param name="count">The number of bytes taken; 0 at the end of its input.</param>
    /// <returns>The error of reading; EAGAIN also if this connection has unsent data or is no longer open.</returns>
    internal Errno Splice(nint source, long max, out int count)
    {
        count = 0;
        if (!MayWrite || !_queue.IsEmpty)
        {
            return Errno.EAGAIN;
        }

        Errno error = _queue.Fill(source, max, out count);
        if (count > 0 && Took(_queue.Flush(Handle, more: false, out int sent), sent) && !_queue.IsEmpty)
        {
            _flags |= Flags.ProducerPaused;
            AwaitWritable();
        }

        return error;
    }

    /// <summary>Counts the bytes that the kernel took.</summary>
    /// <returns>False if the error has ended the connection.</returns>
    private bool Took(Errno error, int sent)
    {
        BytesSent += sent;
        if (error is Errno.None or Errno.EAGAIN or Errno.ENOBUFS)
        {
            return true;
        }

        CloseForError(error);
        return false;
    }

    /// <summary>The kernel's buffer is full: the send timeout begins, unless it runs already.</summary>
    private void AwaitWritable()
    {
        if (List != _owner.Sending)
        {
            RestartSendTimeout();
        }

        UpdateInterest();
        PauseProducerIfFull();
    }

    /// <summary>Restarts the send timeout, and records the bytes that the kernel holds: a later check compares them.</summary>
    private void RestartSendTimeout()
    {
        _unsentBytes = NativeSocket.UnsentBytes(Handle);
        _progressTicks = _reactor.Now.Ticks;
        _owner.Sending.Add(this);
    }

    private void OnQueueSent()
    {
        if (_state == State.Flushing)
        {
            BeginLinger();
            _protocol?.AllSent();
            return;
        }

        _reactor.Connections.Open.Add(this);
        if (Has(Flags.WriteEnding))
        {
            SendFin();
        }

        UpdateInterest();
        if (Has(Flags.ProducerPaused))
        {
            _flags &= ~Flags.ProducerPaused;
            _producer?.ResumeProducing();
        }
    }

    private void PauseProducerIfFull()
    {
        if (_producer is not null && _queue.Length > MaxPendingBytes && !Has(Flags.ProducerPaused))
        {
            _flags |= Flags.ProducerPaused;
            _producer.PauseProducing();
        }
    }
}
