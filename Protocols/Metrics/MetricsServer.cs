using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The source of the data that the metrics port shows.</summary>
internal interface IMetricsSource
{
    /// <summary>True if the server accepts clients; false while it drains.</summary>
    bool IsReady { get; }

    void WriteTo(MetricsPage page);
}

/// <summary>
/// Answers <c>GET</c> and <c>HEAD</c> for <c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c>, one request per connection: the
/// part of HTTP/1.1 (RFC 9112) that a scraper and a health check need. Error pages do not quote the request.
/// </summary>
internal sealed class MetricsServer(MetricsServerFactory factory) : Protocol
{
    /// <summary>Chosen: a scraper's request has a few hundred bytes.</summary>
    private const int MaxRequestLength = 8 * 1024;

    /// <summary>The type that Prometheus requests; browsers can show it too.</summary>
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The time limit from accept to the end of the request.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly StringBuilder _request = new();
    private DelayedCall? _deadline;

    protected internal override void ConnectionMade() =>
        _deadline = factory.Clock.CallLater(Deadline, this, static server => server.Transport.AbortConnection());

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        _request.Append(Encoding.Latin1.GetString(data));

        // RFC 9112, 2.2: empty lines before a request are to be ignored.
        string request = _request.ToString().TrimStart('\r', '\n');
        if (request.Contains("\n\r\n", StringComparison.Ordinal) || request.Contains("\n\n", StringComparison.Ordinal))
        {
            Answer(request);
        }
        else if (_request.Length > MaxRequestLength)
        {
            Reply("431 Request Header Fields Too Large", "the request is too long\n", hasBody: true);
        }
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _deadline?.CancelIfActive();
        factory.Remove(this);
    }

    /// <summary>The path of a request target: RFC 9112, 3.2.1 (<c>/metrics</c>) and 3.2.2 (<c>http://host/metrics</c>).</summary>
    private static string PathOf(string target)
    {
        int scheme = target.IndexOf("://", StringComparison.Ordinal);
        bool isAbsolute = scheme >= 0 && !target.StartsWith('/')
            && target[..scheme].ToUpperInvariant() is "HTTP" or "HTTPS";
        if (isAbsolute)
        {
            int path = target.AsSpan(scheme + 3).IndexOfAny('/', '?');
            target = path < 0 ? "/" : target[(scheme + 3 + path)..];
        }

        return target.Split('?')[0];
    }

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
            (string status, string body) = Page(PathOf(words[1]));
            Reply(status, body, hasBody: !isHead);
        }
    }

    private (string Status, string Body) Page(string path)
    {
        switch (path)
        {
            case "/metrics":
                var page = new MetricsPage();
                factory.Source.WriteTo(page);
                return ("200 OK", page.ToString());
            case "/healthz":
                return ("200 OK", "ok\n");
            case "/readyz":
                return factory.Source.IsReady ? ("200 OK", "ready\n") : ("503 Service Unavailable", "draining\n");
            default:
                return ("404 Not Found", "there are /metrics, /healthz and /readyz\n");
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
/// Builds the protocols of the metrics port. Above a limit it resets the oldest connection: a scrape takes a millisecond, so
/// an old connection is idle or does not read, and must not block a health check.
/// </summary>
internal sealed class MetricsServerFactory(IMetricsSource source, IClock clock) : Factory
{
    /// <summary>The maximum number of connections; less than the connection limit of the port, so that it is never reached.</summary>
    private const int MaxConnections = 16;

    private readonly List<MetricsServer> _open = [];

    public IMetricsSource Source => source;

    public IClock Clock => clock;

    protected internal override Protocol BuildProtocol(in SocketAddress peer)
    {
        if (_open.Count >= MaxConnections)
        {
            MetricsServer oldest = _open[0];
            _open.RemoveAt(0);
            oldest.Transport.AbortConnection();
        }

        var server = new MetricsServer(this);
        _open.Add(server);
        return server;
    }

    internal void Remove(MetricsServer server) => _ = _open.Remove(server);
}
