using System.Diagnostics;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Servers behind real load balancers that send PROXY headers, and limits for each client.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class LoadBalancerTests : NativeTests
{
    [TestMethod]
    [DataRow("send-proxy")]
    [DataRow("send-proxy-v2")]
    [DataRow("send-proxy-v2 check inter 50ms")]
    public void HAProxy_TellsItsClientsAddress(string mode)
    {
        string haproxy = Posix.Tool("haproxy");
        NativeBinary server = ServePoem(Poem, "--proxy-protocol", "--log-level", "debug");
        int port = FaultServer.FreePort();
        string config = $"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 5s
              timeout server 5s
            listen poems
              bind 127.0.0.1:{port}
              server one 127.0.0.1:{server.Port()} {mode}

            """;
        _ = Folder.Write("haproxy.cfg", System.Text.Encoding.ASCII.GetBytes(config));
        using var balancer = new Balancer(ToolRun.Start(Folder.Path, haproxy, "-db", "-f", "haproxy.cfg"));
        AssertServedThrough(port, server);
    }

    [TestMethod]
    public void Nginx_TellsItsClientsAddress()
    {
        string nginx = Posix.Tool("nginx");
        NativeBinary server = ServePoem(Poem, "--proxy-protocol");
        int port = FaultServer.FreePort();
        const string Module = "/usr/lib/nginx/modules/ngx_stream_module.so";
        if (!System.IO.File.Exists(Module))
        {
            Assert.Inconclusive($"nginx has no stream module: {Module} (Debian: libnginx-mod-stream)");
        }

        string config = $$"""
            load_module {{Module}};
            daemon off;
            master_process off;
            error_log stderr;
            pid {{Folder["nginx.pid"]}};
            events { }
            stream {
              server {
                listen 127.0.0.1:{{port}};
                proxy_pass 127.0.0.1:{{server.Port()}};
                proxy_protocol on;
              }
            }

            """;
        _ = Folder.Write("nginx.conf", System.Text.Encoding.ASCII.GetBytes(config));
        using var balancer = new Balancer(
            ToolRun.Start(Folder.Path, nginx, "-p", Folder.Path, "-c", Folder["nginx.conf"], "-e", Folder["nginx.log"]));
        AssertServedThrough(port, server);
    }

    [TestMethod]
    [DynamicData(nameof(CommandNames.Servers), typeof(CommandNames))]
    public void EveryServer_TakesHeaders_AndLimitsTheClientThatTheyName(string command)
    {
        NativeBinary server = StartServer(command, "--proxy-protocol", "--max-per-address", "1", "--metrics", "unix:metrics.sock");
        using Socket first = ConnectAs(5000, server);
        using Socket second = ConnectAs(5001, server);

        // Headers that are there in the same turn are read in any order.
        server.Errors.WaitForText(": too many connections of its address");
        bool isSecond = server.Errors.Text.Contains("reset 192.0.2.1:5001: too many", System.StringComparison.Ordinal);
        Wire.WaitForReset(isSecond ? second : first);
        using Socket wrong = Wire.Connect(server.Port());
        _ = wrong.Send("hello\n"u8);
        Wire.WaitForReset(wrong);
        server.Errors.WaitForText("not a PROXY header");
        Dictionary<string, double> figures = HttpAnswer.Get(Folder["metrics.sock"], "/metrics").Figures();
        Assert.IsGreaterThanOrEqualTo(1, figures["poetry_connections_rejected_total{reason=\"address\"}"]);
        Assert.AreEqual(1, figures["poetry_connections_rejected_total{reason=\"proxy_header\"}"]);
        Wire.Reset(isSecond ? first : second);
        server.Errors.WaitForText($" to 192.0.2.1:{(isSecond ? 5000 : 5001)} ");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DynamicData(nameof(CommandNames.Servers), typeof(CommandNames))]
    public void EveryServer_RecordsProbesAtDebug(string command)
    {
        const int Probes = 3;
        const int Continue = 18;
        const int Stop = 19;
        NativeBinary server = StartServer(command, "--log-level", "debug");

        // The server is stopped meanwhile: what a client's kernel acknowledges before the client closes has been delivered.
        server.Signal(Stop);
        for (int i = 0; i < Probes; i++)
        {
            Wire.Connect(server.Port()).Dispose();
            Wire.Reset(Wire.Connect(server.Port()));
        }

        server.Signal(Continue);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        string[] records = [.. finished.ErrorLines.Where(line => line.Contains(": left", System.StringComparison.Ordinal))];
        Assert.HasCount(2 * Probes, records, finished.Errors);
        Assert.IsTrue(records.All(line => line.Contains(" debug ", System.StringComparison.Ordinal)), finished.Errors);
        Assert.DoesNotContain("Fetching", finished.Errors);
    }

    /// <summary>A short poem is sent before the server hears that its client has gone. Many balancers check one server.</summary>
    [TestMethod]
    public void ManyProbesOfAShortPoem_AreRecordedAtDebug()
    {
        const int Probes = 20;
        NativeBinary server = ServePoem(Poem, "--log-level", "debug");
        server.Signal(Posix.SIGSTOP);
        for (int i = 0; i < Probes; i++)
        {
            Wire.Connect(server.Port()).Dispose();
        }

        server.Signal(Posix.SIGCONT);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.HasCount(Probes, finished.ErrorLines.Where(line => line.Contains(": left", System.StringComparison.Ordinal)), finished.Errors);
        Assert.DoesNotContain("info #", finished.Errors);
    }

    private static Socket ConnectAs(int port, NativeBinary server)
    {
        Socket client = Wire.Connect(server.Port());
        _ = client.Send(System.Text.Encoding.ASCII.GetBytes($"PROXY TCP4 192.0.2.1 198.51.100.2 {port} 443\r\n"));
        return client;
    }

    private NativeBinary StartServer(string command, params string[] options)
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Start(new Launch([command, .. options, .. CommandNames.OperandsOf(command)]));
        _ = server.Output.WaitForLines(1);
        return server;
    }

    private static void AssertServedThrough(int port, NativeBinary server)
    {
        long deadline = System.Environment.TickCount64 + Patience.Milliseconds;
        while (Wire.IsRefused(port))
        {
            Assert.IsLessThan(deadline, System.Environment.TickCount64, "the balancer does not listen");
        }

        for (int i = 0; i < 20; i++)
        {
            string client = Fetch(port);
            server.Errors.WaitForText($" to {client} ");
        }

        Assert.DoesNotContain("warn", server.Errors.Text);
        AssertEndsWell(server);
    }

    /// <returns>The client's own address.</returns>
    private static string Fetch(int port)
    {
        using Socket client = Wire.Connect(port);
        Wire.ReadToEnd(client).AssertIs(Poem);
        return $"{client.LocalEndPoint}";
    }

    private static void AssertEndsWell(NativeBinary server)
    {
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    /// <summary>A foreign process that ends with its test.</summary>
    private sealed class Balancer(Process process) : System.IDisposable
    {
        public void Dispose()
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }
}
