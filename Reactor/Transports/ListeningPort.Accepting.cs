namespace Poetry.Net;

/// <content>Accepting: the size of a batch, the errors of accept, and the start of a connection.</content>
public sealed partial class ListeningPort
{
    /// <summary>The maximum number of denied accepts in a row that are tried again at once.</summary>
    private const int MaxDenials = 64;

    /// <summary>The time after which a port whose accepts are denied has failed.</summary>
    private static readonly TimeSpan DenialTimeout = TimeSpan.FromMilliseconds(300);

    private readonly RateLimit _rejectedAddressLog = new(TimeSpan.FromSeconds(10));
    private readonly RateLimit _badHeaderLog = new(TimeSpan.FromSeconds(10));
    private readonly Spares<ProxyHeaderProtocol> _headers;
    private int _denials;
    private TimeSpan _deniedSince;

    /// <summary>Accepts the connections of one turn.</summary>
    /// <returns>True if there may be more, and the limits allow them.</returns>
    private bool AcceptBatchOfTurn()
    {
        // After the loop has slept, several clients may have come together.
        bool slept = _reactor.SleptBeforeTurn;
        int max = slept ? AcceptBatch.MaxSize : _batch.Size;
        for (int accepted = 0; accepted < max; accepted++)
        {
            if (StopAtLimit())
            {
                return false;
            }

            Errno error = NativeSocket.Accept(Handle, out nint handle, out SocketAddress peer);
            switch (error)
            {
                case Errno.None:
                    _denials = 0;
                    OpenConnection(handle, peer);
                    break;
                case Errno.EAGAIN:
                    if (!slept)
                    {
                        _batch.RecordDrained(accepted);
                    }

                    return false;
                case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                    _pause.Begin(error);
                    return false;
                case Errno.EINVAL when _refusesNew:
                    return false;
                case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK or Errno.EOPNOTSUPP or Errno.EFAULT:
                    Fail(error);
                    return false;
                case Errno.ECONNABORTED or Errno.ECONNRESET or Errno.EPROTO or Errno.ENOPROTOOPT or Errno.ETIMEDOUT or Errno.EINTR
                    or Errno.ENETDOWN or Errno.ENETUNREACH or Errno.EHOSTDOWN or Errno.EHOSTUNREACH:
                    // This connection has ended before it was accepted: go on with the next.
                    break;
                default:
                    if (!MayRetryDenied(error))
                    {
                        return false;
                    }

                    break;
            }

            if (!Listening)
            {
                return false;
            }
        }

        _batch.RecordFull();
        return true;
    }

    /// <summary>
    /// The system forbids accept, by a seccomp filter or a security module. The client stays in the queue, and would wake the
    /// loop again and again. So after some attempts the port pauses, and after some pauses it fails.
    /// </summary>
    /// <returns>True to try again at once.</returns>
    private bool MayRetryDenied(Errno error)
    {
        if (++_denials == 1)
        {
            _deniedSince = _reactor.Now;
        }

        if (_denials <= MaxDenials)
        {
            return true;
        }

        if (_reactor.Now - _deniedSince < DenialTimeout)
        {
            _pause.Begin(error, log: false);
        }
        else
        {
            Fail(error);
        }

        return false;
    }

    private void Fail(Errno error)
    {
        string reason = error.Sentence();
        ReactorLog.AcceptFailed(_reactor.Log, Address, reason);
        StopListening();
        _options.Failed?.Invoke();
    }

    /// <summary>Removes the port from the poller until a connection ends, if the limit is reached.</summary>
    /// <returns>True at the limit.</returns>
    private bool StopAtLimit()
    {
        if (_options.Limit is not { IsReached: true } limit)
        {
            return false;
        }

        _full = true;
        _reactor.Connections.CloseProbeDelay.UseMinimum();
        _reactor.RemoveReader(this);
        limit.Await(this);
        return true;
    }

    private void OpenConnection(nint handle, in SocketAddress peer)
    {
        Protocol? protocol = null;
        StreamTransport? transport = null;
        try
        {
            transport = _reactor.Connections.Transports.Rent();
            protocol = _options.ExpectsProxyHeader ? _headers.Rent() : Build(peer);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }

        if (transport is null || protocol is null)
        {
            if (transport is not null)
            {
                _reactor.Connections.Transports.Return(transport);
            }

            NativeSocket.ResetOnClose(handle);
            NativeSocket.Close(handle);
            return;
        }

        Connections++;
        Accepted++;
        _reactor.Connections.Ignored += _options.IgnoredByDrain ? 1 : 0;
        _options.Limit?.Enter();
        transport.Open(handle, peer, protocol, this);
    }

    /// <returns>Null if the client has too many connections, or the factory refuses it.</returns>
    private Protocol? Build(in SocketAddress client)
    {
        AddressLimit? limit = _options.AddressLimit;
        if (limit is not null && !limit.TryEnter(client))
        {
            RejectedByAddress++;
            if (_rejectedAddressLog.TryPass(_reactor.Now, out long suppressed))
            {
                ReactorLog.AddressLimitReached(_reactor.Log, client, suppressed);
            }

            return null;
        }

        Protocol? protocol = null;
        try
        {
            protocol = Factory.BuildUnconnected(client);
        }
        finally
        {
            if (protocol is null)
            {
                limit?.Leave(client);
            }
        }

        return protocol;
    }

    /// <summary>The header is complete: builds the protocol that serves the client.</summary>
    /// <param name="header">The protocol that has read the header, with the connection's transport.</param>
    /// <param name="source">The client's address; null to use the peer of the connection.</param>
    /// <param name="rest">The data after the header.</param>
    /// <returns>False if the client is refused.</returns>
    internal bool OnProxyHeader(ProxyHeaderProtocol header, in SocketAddress? source, ReadOnlySpan<byte> rest)
    {
        var transport = (StreamTransport)header.Transport;
        SocketAddress client = source ?? transport.Peer;
        if (Build(client) is not { } protocol)
        {
            return false;
        }

        transport.Switch(client, protocol, rest);
        _headers.Return(header);
        return true;
    }

    /// <summary>The header is wrong or incomplete, or did not come in time.</summary>
    internal void OnBadProxyHeader(in SocketAddress peer, string problem)
    {
        RejectedByHeader++;
        if (_badHeaderLog.TryPass(_reactor.Now, out long suppressed))
        {
            ReactorLog.ProxyHeaderRejected(_reactor.Log, peer, problem, suppressed);
        }
    }
}
