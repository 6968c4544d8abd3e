using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The requests that the metrics port understands, and the pages that it sends.</summary>
[TestClass]
public sealed class MetricsServerTests
{
    [TestMethod]
    [DataRow("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK")]
    [DataRow("GET /metrics?x=1 HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("GET http://localhost:19100/metrics HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("GET HTTP://localhost/healthz?x HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("GET https://[::1]:1/readyz HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("GET http://localhost HTTP/1.1\r\n\r\n", "404 Not Found")]
    [DataRow("GET http://localhost?/metrics HTTP/1.1\r\n\r\n", "404 Not Found")]
    [DataRow("GET ftp://localhost/metrics HTTP/1.1\r\n\r\n", "404 Not Found")]
    [DataRow("GET /http://localhost/metrics HTTP/1.1\r\n\r\n", "404 Not Found")]
    [DataRow("\r\nGET /metrics HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("\r\n\r\n\n\r\nGET /metrics HTTP/1.1\r\n\r\n", "200 OK")]
    [DataRow("GET /metrics HTTP/1.1\n\n", "200 OK")]
    [DataRow("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed")]
    [DataRow("GET /metrics\r\n\r\n", "400 Bad Request")]
    public void ARequest_IsAnswered(string request, string status)
    {
        Assert.AreEqual($"HTTP/1.1 {status}", Ask(Encoding.ASCII.GetBytes(request), request.Length));
        Assert.AreEqual($"HTTP/1.1 {status}", Ask(Encoding.ASCII.GetBytes(request), 1), "one byte at a time");
    }

    [TestMethod]
    public void EmptyLinesWithoutEnd_AreTooLong() =>
        Assert.AreEqual("HTTP/1.1 431 Request Header Fields Too Large", Ask(Encoding.ASCII.GetBytes(new string('\n', 9000)), 100));

    [TestMethod]
    public void AHistogram_IsCumulative_AndTellsSumAndCount()
    {
        var histogram = new Histogram();
        histogram.Add(TimeSpan.Zero);
        histogram.Add(TimeSpan.FromMilliseconds(1));
        histogram.Add(TimeSpan.FromMilliseconds(1.1));
        histogram.Add(TimeSpan.FromSeconds(1000));
        var sum = new Histogram();
        sum.Add(histogram);
        sum.Add(histogram);
        var page = new MetricsPage();
        page.Head("x_seconds", "Help.", "histogram");
        page.Sample("x_seconds", "upstream", "a\"b", sum);
        page.Sample("x_seconds", null, null, histogram);
        string text = page.ToString();
        Assert.Contains("# TYPE poetry_x_seconds histogram\n", text);
        Assert.Contains("poetry_x_seconds_bucket{upstream=\"a\\\"b\",le=\"0.001\"} 4\n", text);
        Assert.Contains("poetry_x_seconds_bucket{upstream=\"a\\\"b\",le=\"0.003\"} 6\n", text);
        Assert.Contains("poetry_x_seconds_bucket{upstream=\"a\\\"b\",le=\"100\"} 6\n", text);
        Assert.Contains("poetry_x_seconds_bucket{upstream=\"a\\\"b\",le=\"+Inf\"} 8\n", text);
        Assert.Contains("poetry_x_seconds_count{upstream=\"a\\\"b\"} 8\n", text);
        Assert.Contains("poetry_x_seconds_bucket{le=\"0.001\"} 2\n", text);
        Assert.Contains("poetry_x_seconds_sum 1000.0021\n", text);
        Assert.Contains("poetry_x_seconds_count 4\n", text);
    }

    private static string Ask(byte[] request, int pieceLength)
    {
        var clock = new ManualClock();
        var factory = new MetricsServerFactory(new NoMetrics(), clock);
        var transport = new MemoryTransport(clock);
        transport.Open(factory.BuildProtocol(default)!);
        for (int sent = 0; sent < request.Length && transport.Sent.Length == 0; sent += pieceLength)
        {
            transport.PeerSends(request.AsSpan(sent..Math.Min(sent + pieceLength, request.Length)));
        }

        string answer = Encoding.ASCII.GetString(transport.Sent);
        transport.PeerResets();
        clock.Advance(0);
        return answer[..answer.IndexOf('\r', StringComparison.Ordinal)];
    }

    private sealed class NoMetrics : IMetricsSource
    {
        public bool IsReady => true;

        public void WriteTo(MetricsPage page)
        {
        }
    }
}
