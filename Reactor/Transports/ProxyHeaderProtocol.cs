using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>
/// The protocol of a connection until its PROXY header is complete. The port then builds the protocol that serves the client,
/// and uses this one again for another connection.
/// </summary>
internal sealed class ProxyHeaderProtocol(ListeningPort port, ILogger log) : Protocol
{
    private const string Incomplete = "incomplete PROXY header";

    /// <summary>The beginning of a header that arrives in pieces; made when the first one does.</summary>
    private byte[]? _begin;
    private int _beginLength;

    /// <summary>True if the connection is reset because of its header or its client.</summary>
    private bool _isRefused;

    protected internal override void ConnectionMade()
    {
        _beginLength = 0;
        _isRefused = false;
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        int before = _beginLength;
        ReadOnlySpan<byte> all = before == 0 ? data : Append(data);
        switch (ProxyHeader.Parse(all, out ProxyHeader header))
        {
            case ProxyHeader.Status.Incomplete when before == 0:
                _ = Append(data);
                break;
            case ProxyHeader.Status.Incomplete:
                break;
            case ProxyHeader.Status.Complete:
                if (!port.OnProxyHeader(this, header.Source, data[(header.Length - before)..]))
                {
                    Refuse();
                }

                break;
            default:
                port.OnBadProxyHeader(Transport.Peer, "not a PROXY header");
                Refuse();
                break;
        }
    }

    /// <summary>Resets the peer, which may still read: FIN would mean that the server is down, or that its poem is empty.</summary>
    protected internal override void ReadConnectionLost()
    {
        if (_beginLength > 0)
        {
            port.OnBadProxyHeader(Transport.Peer, Incomplete);
            _isRefused = true;
        }

        Transport.AbortConnection();
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        if (_isRefused)
        {
            return;
        }

        if (reason.Check<ConnectionTimedOut>())
        {
            port.OnBadProxyHeader(Transport.Peer, "no PROXY header in time");
        }
        else if (_beginLength > 0)
        {
            port.OnBadProxyHeader(Transport.Peer, Incomplete);
        }
        else
        {
            // Mostly a load balancer that only checks whether the port is open.
            port.ClosedWithoutHeader++;
            ReactorLog.ProxyHeaderMissing(log, Transport.Peer);
        }
    }

    private void Refuse()
    {
        _isRefused = true;
        Transport.AbortConnection();
    }

    /// <summary>Adds data, up to the longest header: a header that is then complete ends within these bytes.</summary>
    private ReadOnlySpan<byte> Append(ReadOnlySpan<byte> data)
    {
        _begin ??= new byte[ProxyHeader.MaxBinaryBytes];
        int taken = Math.Min(data.Length, _begin.Length - _beginLength);
        data[..taken].CopyTo(_begin.AsSpan(_beginLength));
        _beginLength += taken;
        return _begin.AsSpan(0, _beginLength);
    }
}
