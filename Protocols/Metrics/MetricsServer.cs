using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>What the metrics port tells.</summary>
internal interface IMetricsSource
{
    /// <summary>Is the server taking clients? Not while it drains.</summary>
    bool IsReady { get; }

    /// <summary>Writes all figures of this moment.</summary>
    void WriteTo(MetricsPage page);
}

/// <summary>
/// Answers <c>GET</c> for <c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c>, one request a connection: as much of HTTP/1.1
/// (RFC 9112) as a scraper and a prober need. What it does not understand it answers with an error and no echo.
/// </summary>
internal sealed class MetricsServer(MetricsServerFactory factory) : Protocol
{
    /// <summary>A request of a scraper has a few hundred bytes.</summary>
    private const int MaxRequestLength = 8 * 1024;

    /// <summary>What Prometheus asks for; a human's browser shows it too.</summary>
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>From the connection to the last byte of the request.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly StringBuilder _request = new();
    private DelayedCall? _deadline;

    /// <inheritdoc/>
    protected internal override void ConnectionMade() =>
        _deadline = factory.Clock.CallLater(Deadline, this, static server => server.Transport.AbortConnection());

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        _request.Append(Encoding.Latin1.GetString(data));
        string request = _request.ToString();
        if (request.Contains("\n\r\n", StringComparison.Ordinal) || request.Contains("\n\n", StringComparison.Ordinal))
        {
            Answer(request);
        }
        else if (request.Length > MaxRequestLength)
        {
            Reply("431 Request Header Fields Too Large", "the request is too long\n", hasBody: true);
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _deadline?.CancelIfActive();
        factory.Remove(this);
    }

    /// <summary>Makes room for another.</summary>
    internal void Evict() => Transport.AbortConnection();

    private void Answer(string request)
    {
        string[] words = request[..request.IndexOf('\n', StringComparison.Ordinal)].TrimEnd('\r').Split(' ');
        bool isHead = words[0] == "HEAD";
        if (words.Length != 3 || !words[2].StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            Reply("400 Bad Request", "that is no request\n", hasBody: true);
        }
        else if (words[0] != "GET" && !isHead)
        {
            Reply("405 Method Not Allowed\r\nAllow: GET, HEAD", "only GET and HEAD\n", hasBody: true);
        }
        else
        {
            Answer(words[1].Split('?')[0], !isHead);
        }
    }

    private void Answer(string path, bool hasBody)
    {
        switch (path)
        {
            case "/metrics":
                var page = new MetricsPage();
                factory.Source.WriteTo(page);
                Reply("200 OK", page.ToString(), hasBody);
                break;
            case "/healthz":
                Reply("200 OK", "ok\n", hasBody);
                break;
            case "/readyz" when factory.Source.IsReady:
                Reply("200 OK", "ready\n", hasBody);
                break;
            case "/readyz":
                Reply("503 Service Unavailable", "draining\n", hasBody);
                break;
            default:
                Reply("404 Not Found", "there are /metrics, /healthz and /readyz\n", hasBody);
                break;
        }
    }

    private void Reply(string status, string body, bool hasBody)
    {
        int length = Encoding.UTF8.GetByteCount(body);
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status}\r\nContent-Type: {ContentType}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        Transport.Write(Encoding.UTF8.GetBytes(hasBody ? head + body : head));
        Transport.LoseConnection();
    }
}

/// <summary>
/// Builds the protocols of the metrics port. Of many clients at once the oldest gives way: a scrape takes a millisecond, so
/// who is old has not asked, or does not read, and must not keep a prober from learning that the server lives.
/// </summary>
internal sealed class MetricsServerFactory(IMetricsSource source, IClock clock) : Factory
{
    /// <summary>Below the limit of the port, so that there is always one who can give way before the port is full.</summary>
    private const int MaxConnections = 16;

    private readonly List<MetricsServer> _open = [];

    /// <summary>What is told.</summary>
    public IMetricsSource Source => source;

    /// <summary>The reactor's.</summary>
    public IClock Clock => clock;

    /// <inheritdoc/>
    protected internal override Protocol BuildProtocol(in SocketAddress peer)
    {
        if (_open.Count >= MaxConnections)
        {
            MetricsServer oldest = _open[0];
            _open.RemoveAt(0);
            oldest.Evict();
        }

        var server = new MetricsServer(this);
        _open.Add(server);
        return server;
    }

    /// <summary>A connection has ended.</summary>
    internal void Remove(MetricsServer server) => _ = _open.Remove(server);
}
