using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The metrics port: figures that are true, and a port that can do no harm.</summary>
[TestClass]
public sealed class MetricsTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    private string MetricsPath => Folder["m.sock"];

    [TestMethod]
    [DataRow("serve", "poem.txt")]
    [DataRow("slow-serve", "poem.txt")]
    [DataRow("transform")]
    [DataRow("transform", "--workers", "2", "--text-port", "0", "--upstream", "1")]
    [DataRow("proxy", "10001")]
    [DataRow("proxy", "--workers", "2", "0=10001", "0=10001", "0=unix:a\\b\"c")]
    public void Metrics_OfEveryServer_AreWhatPrometheusReads(params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = Measured(arguments);
        HttpAnswer answer = HttpAnswer.Get(MetricsPath, "/metrics");
        Assert.AreEqual(200, answer.Status);
        Assert.Contains("Content-Type: text/plain; version=0.0.4", answer.Head);
        Assert.AreEqual(0d, answer.Figures()["poetry_connections_total"]);
    }

    [TestMethod]
    [DataRow("1")]
    [DataRow("2")]
    public void Metrics_AfterManyClients_AddUp(string workers)
    {
        const int Clients = 40;
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Measured("serve", "--workers", workers, "poem.txt");
        for (int i = 0; i < Clients; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        AwaitFigure("poetry_connections_ended_total{outcome=\"whole\"}", Clients);
        Dictionary<string, double> figures = Figures();
        Assert.AreEqual(Clients, figures["poetry_connections_total"]);
        Assert.AreEqual(0d, figures["poetry_connections_open"]);
        Assert.AreEqual(Clients * (double)Poem.Length, figures["poetry_sent_bytes_total"]);
    }

    [TestMethod]
    public void Metrics_OfAProxy_TellHitsMissesAndTheRest()
    {
        using var go = new ManualResetEvent(false);
        using FaultServer upstream = new((client, number) =>
        {
            if (number == 1)
            {
                FaultServer.SendAndReset(client, Poem[..10]);
                return;
            }

            _ = client.Send(Poem.AsSpan(0, 100));
            if (number == 3)
            {
                Assert.IsTrue(go.WaitOne(Patience.Milliseconds));
                _ = client.Send(Poem.AsSpan(100));
                client.Shutdown(SocketShutdown.Send);
            }
        });
        NativeBinary proxy = Measured("proxy", upstream.Address);
        string label = $"{{upstream=\"{upstream.Address}\"}}";

        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        AwaitFigure($"poetry_proxy_fetch_failures_total{label}", 1);
        AwaitFigure($"poetry_proxy_paused{label}", 0);

        Socket leaver = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(leaver, 100);
        leaver.Dispose();
        AwaitFigure($"poetry_proxy_fetch_cancels_total{label}", 1);

        using Socket one = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(one, 100);
        using Socket other = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(other, 100);
        AwaitFigure($"poetry_proxy_waiters{label}", 2);
        Assert.AreEqual(1d, Figures()[$"poetry_proxy_fetches{label}"]);
        _ = go.Set();
        Assert.IsFalse(Wire.ReadToEnd(one).WasReset);
        Assert.IsFalse(Wire.ReadToEnd(other).WasReset);
        Wire.Fetch(proxy.Port()).AssertIs(Poem);

        AwaitFigure($"poetry_proxy_hits_total{label}", 1);
        AwaitFigure($"poetry_proxy_waiters{label}", 0);
        Dictionary<string, double> figures = Figures();
        Assert.AreEqual(4d, figures[$"poetry_proxy_misses_total{label}"]);
        Assert.AreEqual(1d, figures[$"poetry_proxy_coalesced_total{label}"]);
        Assert.AreEqual(3d, figures[$"poetry_proxy_fetches_total{label}"]);
        Assert.AreEqual(0d, figures[$"poetry_proxy_fetches{label}"]);
        Assert.AreEqual(5d, figures["poetry_connections_total"]);
        Assert.IsGreaterThanOrEqualTo(Poem.Length, figures[$"poetry_proxy_cached_bytes{label}"]);
        Assert.AreEqual(figures[$"poetry_proxy_cached_bytes{label}"], figures["poetry_proxy_held_bytes"]);
    }

    /// <summary>Two listeners of one upstream on two reactors are one sample, with the sum of both.</summary>
    [TestMethod]
    public void Metrics_OfOneUpstreamOnTwoWorkers_AreSummed()
    {
        using FaultServer upstream = FaultServer.Sending(Poem);
        NativeBinary proxy = Measured("proxy", "--workers", "2", $"0={upstream.Port}", $"0={upstream.Port}");
        Wire.Fetch(proxy.Port(0)).AssertIs(Poem);
        Wire.Fetch(proxy.Port(1)).AssertIs(Poem);
        AwaitFigure($"poetry_proxy_fetches_total{{upstream=\"{upstream.Address}\"}}", 2);
        AwaitFigure("poetry_connections_ended_total{outcome=\"whole\"}", 2);
    }

    [TestMethod]
    public void Metrics_OfTransforms_AddUpOverWorkersAndFaces()
    {
        NativeBinary server = Measured("transform", "--workers", "2", "--text-port", "0");
        for (int i = 0; i < 20; i++)
        {
            Assert.AreEqual("5:HELLO,", Exchange(server.Port(0), "11:shout.hello,"));
            Assert.AreEqual("HELLO", Exchange(server.Port(1), "shout\nhello"));
            Assert.AreEqual(string.Empty, Exchange(server.Port(0), "12:nosuch.hello,"));
        }

        AwaitFigure("poetry_connections_ended_total{outcome=\"whole\"}", 40);
        AwaitFigure("poetry_connections_ended_total{outcome=\"refused\"}", 20);
        Dictionary<string, double> figures = Figures();
        Assert.AreEqual(40d, figures["poetry_transforms_total"]);
        Assert.AreEqual(20d, figures["poetry_transforms_unknown_total"]);
        Assert.AreEqual(60d, figures["poetry_connections_total"]);
    }

    /// <summary>The port tells that the server ends, and a client of it that stays does not put the end off.</summary>
    [TestMethod]
    public void Terminate_WhileItDrains_TheMetricsPortAnswersAndDoesNotPutOffTheEnd()
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Measured("serve", "--drain", "3600", "poem.txt");
        Assert.AreEqual(200, HttpAnswer.Get(MetricsPath, "/readyz").Status);
        using Socket inFlight = Wire.Connect(server.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(inFlight, 1);
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText("in flight: 1");
        Assert.AreEqual(503, HttpAnswer.Get(MetricsPath, "/readyz").Status);
        Assert.AreEqual(200, HttpAnswer.Get(MetricsPath, "/healthz").Status);
        Assert.AreEqual(1d, Figures()["poetry_connections_open"]);
        using Socket silent = Wire.Connect(MetricsPath);
        Assert.IsFalse(Wire.ReadToEnd(inFlight).WasReset);
        inFlight.Dispose();
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsFalse(File.Exists(MetricsPath), "the socket's file is still there");
    }

    [TestMethod]
    public void Metrics_Head_IsTheHeadAlone()
    {
        _ = MeasuredServer();
        HttpAnswer head = HttpAnswer.Ask(MetricsPath, "HEAD /healthz HTTP/1.1\r\nHost: poetry\r\n\r\n");
        Assert.AreEqual(200, head.Status);
        Assert.Contains("Content-Length: 3", head.Head);
        Assert.IsEmpty(head.Body);
    }

    [TestMethod]
    [DataRow(405, "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")]
    [DataRow(405, "DELETE / HTTP/1.0\r\n\r\n")]
    [DataRow(404, "GET /etc/passwd HTTP/1.1\r\n\r\n")]
    [DataRow(404, "GET /../../etc/passwd HTTP/1.1\r\n\r\n")]
    [DataRow(400, "GET /metrics\r\n\r\n")]
    [DataRow(400, "GET  /metrics HTTP/1.1\r\n\r\n")]
    [DataRow(400, "\u0016\u0003\u0001\u0002\0\u0001\0\n\n")]
    [DataRow(400, "GET /metrics HTTP/2.0\r\n\r\n")]
    [DataRow(200, "GET /metrics?a=b HTTP/1.0\n\n")]
    [DataRow(200, "GET /metrics HTTP/1.0\n\r\n")]
    public void Metrics_AnyRequest_HasTheAnswerOfTheBook(int status, string request)
    {
        _ = MeasuredServer();
        HttpAnswer answer = HttpAnswer.Ask(MetricsPath, request);
        Assert.AreEqual(status, answer.Status, answer.Head);
        Assert.AreEqual(status == 405, answer.Head.Contains("\r\nAllow: GET, HEAD\r\n", StringComparison.Ordinal));
        Assert.DoesNotContain("passwd", answer.Body, "what was asked is not repeated");
    }

    [TestMethod]
    [DataRow(8 * 1024)]
    [DataRow(100 * 1024)]
    [DataRow(4 * 1024 * 1024)]
    public void Metrics_ARequestWithoutEnd_IsCutOff(int length)
    {
        NativeBinary server = MeasuredServer();
        HttpAnswer answer = HttpAnswer.Ask(MetricsPath, $"GET /metrics HTTP/1.1\r\nX: {new string('x', length)}");
        Assert.IsTrue(answer.Status is 431 or 0, answer.Head);
        Assert.AreEqual(200, HttpAnswer.Get(MetricsPath, "/healthz").Status);
        Assert.IsEmpty(server.Errors.Lines.Where(line => line.Contains("error", StringComparison.Ordinal)), server.Errors.Text);
    }

    [TestMethod]
    public void Metrics_ARequestByteByByte_IsAnswered()
    {
        _ = MeasuredServer();
        using Socket client = Wire.Connect(MetricsPath);
        foreach (byte one in "GET /healthz HTTP/1.1\r\nHost: poetry\r\n\r"u8)
        {
            _ = client.Send([one]);
        }

        Assert.AreEqual("ok\n", HttpAnswer.Ask(client, "\n").Body);
    }

    /// <summary>
    /// Scrapers that ask slowly or not at all are bounded, give way to others, and take no connection from the clients that come
    /// for a poem.
    /// </summary>
    [TestMethod]
    public void Metrics_ManyWhoNeverAsk_HinderNobody()
    {
        const int Silent = 300;
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Measured("serve", "--max-connections", "1", "poem.txt");
        int before = server.DescriptorCount;
        for (int i = 0; i < Silent; i++)
        {
            Socket silent = Own(Wire.Connect(MetricsPath));
            _ = silent.Send("GET /metr"u8);
        }

        Assert.AreEqual(200, HttpAnswer.Get(MetricsPath, "/healthz").Status);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        Assert.IsLessThanOrEqualTo(before + 32, server.DescriptorCount);
        AwaitFigure("poetry_connections_ended_total{outcome=\"whole\"}", 1);
    }

    /// <summary>When descriptors have run out, a client of the metrics port that is there already still gets its figures.</summary>
    [TestMethod]
    public void Metrics_WithoutDescriptors_AreStillTold()
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Start(new Launch("serve", "--max-connections", "0", "--metrics", "unix:m.sock", "poem.txt")
        {
            Before = "ulimit -n 64;",
        });
        _ = server.Port();
        using Socket early = Wire.Connect(MetricsPath);
        AwaitFigure("poetry_connections_total", 0);
        for (int i = 0; i < 100; i++)
        {
            _ = Own(Wire.Connect(server.Port(), SmallBufferBytes));
        }

        server.Errors.WaitForText(" paused for ");
        HttpAnswer answer = HttpAnswer.Ask(early, "GET /metrics HTTP/1.1\r\n\r\n");
        Assert.AreEqual(200, answer.Status);
        Assert.IsGreaterThan(30d, answer.Figures()["poetry_connections_open"]);
    }

    [TestMethod]
    public void Metrics_OnAPort_AreReadByCurl()
    {
        string curl = Posix.Tool("curl");
        int port = FaultServer.FreePort();
        _ = Folder.Write("poem.txt", Poem);
        _ = Serve("--metrics", port.ToString(CultureInfo.InvariantCulture), "poem.txt");
        Finished page = ToolRun.Run(Folder.Path, curl, "-sS", "--fail", $"http://127.0.0.1:{port}/metrics");
        Assert.AreEqual(0, page.ExitCode, page.Errors);
        Assert.Contains("# TYPE poetry_connections_total counter\n", Encoding.UTF8.GetString(page.Bytes));
        Finished head = ToolRun.Run(Folder.Path, curl, "-sS", "-I", $"http://127.0.0.1:{port}/readyz");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", Encoding.UTF8.GetString(head.Bytes));
    }

    [TestMethod]
    public void Metrics_OnAPortInUse_StartNothing()
    {
        using FaultServer other = FaultServer.Sending(Poem);
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run("serve", "--metrics", other.Address, "unix:poem.sock=poem.txt");
        AssertFailed(finished, 1, $"cannot listen on {other.Address}: ");
        Assert.IsFalse(File.Exists(Folder["poem.sock"]), "half a start");
    }

    private static string Exchange(int port, string request)
    {
        using Socket client = Wire.Connect(port);
        _ = client.Send(Encoding.UTF8.GetBytes(request));
        client.Shutdown(SocketShutdown.Send);
        return Encoding.UTF8.GetString(Wire.ReadToEnd(client).Bytes);
    }

    private NativeBinary MeasuredServer()
    {
        _ = Folder.Write("poem.txt", Poem);
        return Measured("serve", "poem.txt");
    }

    private NativeBinary Measured(params string[] arguments)
    {
        NativeBinary server = Start(new Launch([.. arguments, "--metrics", "unix:m.sock"]));
        _ = server.Output.WaitForLines(1);
        return server;
    }

    private Dictionary<string, double> Figures() => HttpAnswer.Get(MetricsPath, "/metrics").Figures();

    /// <summary>A connection is counted when it has ended on our side too: a moment after its client has seen the end.</summary>
    private void AwaitFigure(string name, double value) =>
        Assert.IsTrue(
            SpinWait.SpinUntil(() => Figures()[name] == value, Patience.Milliseconds),
            $"{name} is {Figures()[name]} and not {value}");
}
