using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary><c>poetry transform</c>, from outside.</summary>
[TestClass]
public sealed class TransformTests : NativeTests
{
    [TestMethod]
    public void Transform_BothPorts_AreAnnouncedAndAnswer()
    {
        NativeBinary server = Transform("--text-port", "0");
        Assert.AreEqual($"Serving transforms on 127.0.0.1:{server.Port()}.", server.Output.Lines[0]);
        Assert.AreEqual($"Serving transforms as text on 127.0.0.1:{server.Port(1)}.", server.Output.Lines[1]);
        Ask(server.Port(), "27:cummingsify.HERE IS MY POEM,").AssertIs("15:here is my poem,"u8);
        Ask(server.Port(1), "cummingsify\nHELLO\n", ends: true).AssertIs("hello\n"u8);
    }

    [TestMethod]
    public void Transform_WithoutATextPort_HasOneListener()
    {
        NativeBinary server = Transform();
        Ask(server.Port(), "12:cummingsify.,").AssertIs("0:,"u8);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual($"Serving transforms on 127.0.0.1:{server.Port()}.\n", Encoding.UTF8.GetString(finished.Bytes));
    }

    /// <summary>What the native runtime knows of letters, without any culture.</summary>
    [TestMethod]
    [DataRow("cummingsify", "ÀÉÎ ΣΊΣΥΦΟΣ ПОЭЗИЯ 𐐀 Ⱥ", "àéî σίσυφοσ поэзия 𐐨 ⱥ")]
    [DataRow("shout", "àéî straße поэзия 𐐨", "ÀÉÎ STRAßE ПОЭЗИЯ 𐐀")]
    [DataRow("rot13", "Hello é", "Uryyb é")]
    [DataRow("reverse-lines", "a\nb\nc", "c\nb\na")]
    public void Transform_EachName_DoesWhatTheManualSays(string name, string text, string expected)
    {
        NativeBinary server = Transform("--text-port", "0");
        Ask(server.Port(1), $"{name}\n{text}", ends: true).AssertIs(Encoding.UTF8.GetBytes(expected));
    }

    [TestMethod]
    public void Transform_BytesThatAreNoText_Pass()
    {
        NativeBinary server = Transform("--text-port", "0");
        byte[] bytes = [0xFF, 0xC3, 0x00, 0x80, 0xE2, 0x82];
        Ask(server.Port(1), [.. "shout\n"u8, .. bytes], ends: true).AssertIs(bytes);
    }

    [TestMethod]
    [DataRow("5:HELLO,", "refused")]
    [DataRow("9:nosuch.AB,", "no transformation 'nosuch'")]
    [DataRow("007:shout.a,", "no netstring")]
    [DataRow("999999999999:", "longer than 1048576 bytes")]
    public void Transform_BadRequest_IsClosedWithoutAnAnswerAndLogged(string request, string problem)
    {
        NativeBinary server = Transform();
        Ask(server.Port(), request).AssertIs([]);
        server.Errors.WaitForText(problem);
        Ask(server.Port(), "8:shout.ok,").AssertIs("2:OK,"u8);
    }

    /// <summary>An answer without any text is no bytes and a clean end: a request that fails must end in another way.</summary>
    [TestMethod]
    [DataRow("nosuch\nHELLO\n", "no transformation 'nosuch'")]
    [DataRow("shout", "ended before its first line")]
    public void Transform_BadTextRequest_IsResetAndLogged(string request, string problem)
    {
        NativeBinary server = Transform("--text-port", "0");
        AssertReset(Ask(server.Port(1), request, ends: true));
        server.Errors.WaitForText(problem);
        Ask(server.Port(1), "shout\n", ends: true).AssertIs([]);
    }

    [TestMethod]
    public void Transform_MaxLength_IsExactOnBothPorts()
    {
        NativeBinary server = Transform("--text-port", "0", "--max-length", "1KiB");
        for (int length = 1023; length <= 1025; length++)
        {
            string text = new('a', length - 6);
            string netstring = length > 1024 ? string.Empty : $"{text.Length}:{text.ToUpperInvariant()},";
            Ask(server.Port(), $"{length}:shout.{text},").AssertIs(Encoding.ASCII.GetBytes(netstring), $"{length} bytes");
            Delivery bare = Ask(server.Port(1), $"shout\n{text}", ends: true);
            Assert.AreEqual(length > 1024, bare.WasReset, $"{length} bytes of text");
            Assert.AreEqual(length > 1024 ? string.Empty : text.ToUpperInvariant(), Encoding.ASCII.GetString(bare.Bytes));
        }
    }

    [TestMethod]
    public void Transform_AMegabyteThroughBothPorts_ComesWhole()
    {
        NativeBinary server = Transform("--text-port", "0", "--max-length", "2MiB");
        byte[] poem = MakePoem(1024 * 1024);
        byte[] reply = [.. poem.Select(b => b is >= (byte)'a' and <= (byte)'z' ? (byte)(b - 32) : b)];
        string expected = Encoding.UTF8.GetString(reply).Replace('é', 'É').Replace('è', 'È');
        byte[] bytes = [.. "shout\n"u8, .. Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(poem))];
        Ask(server.Port(1), bytes, ends: true).AssertIs(Encoding.UTF8.GetBytes(expected));
    }

    /// <summary>
    /// The longest request that is accepted by default, all of letters that are mapped one by one, holds up the other clients
    /// for less than 50 ms. Measured is the processor time of the loop's thread, which no other program lengthens.
    /// </summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [DataRow("cummingsify")]
    [DataRow("shout")]
    [DataRow("rot13")]
    [DataRow("reverse-lines")]
    public void Transform_TheLongestRequest_HoldsUpOthersForAMomentOnly(string name)
    {
        const int Requests = 10;
        const long LongestNanoseconds = 50_000_000;
        NativeBinary server = Start(new Launch("transform", "--log-level", "error"));
        string text = string.Concat(Enumerable.Repeat("é\n", (1024 * 1024 / 3) - 10));
        byte[] body = Encoding.UTF8.GetBytes($"{name}.{text}");
        byte[] request = [.. Encoding.ASCII.GetBytes($"{body.Length}:"), .. body, (byte)','];
        _ = Ask(server.Port(), request);
        long before = LoopNanoseconds(server);
        for (int i = 0; i < Requests; i++)
        {
            Assert.IsGreaterThan(body.Length - name.Length, Ask(server.Port(), request).Bytes.Length);
        }

        Assert.IsLessThan(LongestNanoseconds, (LoopNanoseconds(server) - before) / Requests);

        // The first number: proc(5) of /proc/PID/schedstat. The loop's thread is the main thread.
        static long LoopNanoseconds(NativeBinary server) => long.Parse(
            File.ReadAllText($"/proc/{server.ProcessId}/task/{server.ProcessId}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public void Transform_SlowClient_IsResetWhenItsTimeIsOver()
    {
        NativeBinary server = Transform("--timeout", "0.3", "--text-port", "0");
        foreach (int port in new[] { server.Port(), server.Port(1) })
        {
            using Socket client = Wire.Connect(port);
            _ = client.Send("9:sho"u8);
            AssertReset(Wire.ReadToEnd(client));
        }

        server.Errors.WaitForText("no complete request in 0.3 s");
    }

    [TestMethod]
    public void Transform_HangUpSignal_IsIgnored()
    {
        NativeBinary server = Transform();
        server.Signal(Posix.SIGHUP);
        Ask(server.Port(), "8:shout.ok,").AssertIs("2:OK,"u8);
    }

    [TestMethod]
    public void Transform_ListenOnAUnixSocket_AnswersThere()
    {
        NativeBinary server = Transform("--listen", "unix:t.sock");
        Assert.AreEqual("Serving transforms on unix:t.sock.", server.Output.Lines[0]);
        using Socket client = Wire.Connect(Folder["t.sock"]);
        _ = client.Send("8:shout.ok,"u8);
        Wire.ReadToEnd(client).AssertIs("2:OK,"u8);
    }

    [TestMethod]
    public void Transform_Upstream_PassesTheAnswerOn()
    {
        NativeBinary server = Transform();
        NativeBinary proxy = Transform("--upstream", $"{server.Port()}", "--text-port", "0");
        Ask(proxy.Port(), "8:shout.ok,").AssertIs("2:OK,"u8);
        Ask(proxy.Port(1), "shout\nok", ends: true).AssertIs("OK"u8);
        Ask(proxy.Port(), "8:nosuch.x,").AssertIs([]);
        server.Errors.WaitForText("no transformation 'nosuch'");
        server.Kill();
        Ask(proxy.Port(), "8:shout.ok,").AssertIs([]);
        AssertReset(Ask(proxy.Port(1), "shout\nok", ends: true));
        proxy.Errors.WaitForText(" shout for ");
    }

    [TestMethod]
    public void Transform_UpstreamThatHangs_EndsATextWithAReset()
    {
        FaultServer upstream = Own(FaultServer.Hanging([]));
        NativeBinary proxy = Transform("--upstream", upstream.Address, "--text-port", "0", "--timeout", "0.3");
        AssertReset(Ask(proxy.Port(1), "shout\nok", ends: true));
        proxy.Errors.WaitForText(" shout for ");
    }

    [TestMethod]
    public void Transform_SeveralWorkers_AllAnswer()
    {
        NativeBinary server = Transform("--workers", "2", "--text-port", "0");
        for (int i = 0; i < 20; i++)
        {
            Ask(server.Port(), "8:shout.ok,").AssertIs("2:OK,"u8);
            Ask(server.Port(1), "shout\nok", ends: true).AssertIs("OK"u8);
        }
    }

    [TestMethod]
    public void Transform_Metrics_CountBothPorts()
    {
        NativeBinary server = Transform("--metrics", "unix:metrics.sock", "--text-port", "0");
        Ask(server.Port(), "8:shout.ok,").AssertIs("2:OK,"u8);
        Ask(server.Port(1), "shout\nok", ends: true).AssertIs("OK"u8);
        using Socket client = Wire.Connect(Folder["metrics.sock"]);
        _ = client.Send("GET /metrics HTTP/1.1\r\nHost: poetry\r\nConnection: close\r\n\r\n"u8);
        Assert.Contains("poetry_transforms_total 2", Encoding.UTF8.GetString(Wire.ReadToEnd(client).Bytes));
    }

    [TestMethod]
    public void Transform_List_PrintsTheNames()
    {
        Finished finished = Run("transform", "--list");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual("cummingsify\nshout\nrot13\nreverse-lines\n", Encoding.UTF8.GetString(finished.Bytes));
    }

    [TestMethod]
    public void Transform_WithItselfAsUpstream_IsRefused() => AssertFailed(
        Run("transform", "--port", "11000", "--upstream", "11000"), 2, "127.0.0.1:11000 is the transform server itself");

    /// <summary>Each request here causes one there, and that one here: half of the room is left to others.</summary>
    [TestMethod]
    public void Transform_ACircleOfTwo_LetsClientsIn()
    {
        string[] ports = [$"{FaultServer.FreePort()}", $"{FaultServer.FreePort()}"];
        string[] common = ["--max-connections", "8", "--timeout", "0", "--metrics", "unix:metrics.sock", "--port"];
        NativeBinary first = Transform([.. common, ports[0], "--upstream", ports[1]]);
        common[5] = "unix:more.sock";
        _ = Transform([.. common, ports[1], "--upstream", ports[0]]);
        using Socket caught = Wire.Connect(first.Port());
        _ = caught.Send("8:shout.ok,"u8);
        WaitForUpstreams();
        for (int i = 0; i < 8; i++)
        {
            Ask(first.Port(), "6:nosuch,").AssertIs([]);
        }

        int Connections()
        {
            using Socket scraper = Wire.Connect(Folder["metrics.sock"]);
            _ = scraper.Send("GET /metrics HTTP/1.1\r\nHost: poetry\r\nConnection: close\r\n\r\n"u8);
            string page = Encoding.UTF8.GetString(Wire.ReadToEnd(scraper).Bytes);
            string line = page.Split('\n').Single(line => line.StartsWith("poetry_connections_open ", System.StringComparison.Ordinal));
            return int.Parse(line[(line.IndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        }

        void WaitForUpstreams()
        {
            long deadline = System.Environment.TickCount64 + Patience.Milliseconds;
            while (Connections() < 5)
            {
                // Four of the other server, and the one that began it.
                Assert.IsLessThan(deadline, System.Environment.TickCount64, "the circle did not fill");
            }
        }
    }

    [TestMethod]
    public void Transform_WithItsTextPortAsUpstream_IsRefused() => AssertFailed(
        Run("transform", "--port", "11000", "--text-port", "11001", "--upstream", "11001"), 2, "is the transform server itself");

    [TestMethod]
    public void Transform_WithAnArgument_IsWrongUsage() => AssertFailed(Run("transform", "x"), 2, "'x'");

    /// <summary>Shutdown does not wait for clients that have sent no request.</summary>
    [TestMethod]
    public void Terminate_WithSilentClients_DoesNotWaitForThem()
    {
        NativeBinary server = Transform("--text-port", "0", "--timeout", "0", "--drain", "3600");
        using Socket silent = Wire.Connect(server.Port());
        using Socket silentToo = Wire.Connect(server.Port(1));
        using Socket asking = Wire.Connect(server.Port());
        _ = asking.Send("8:shout"u8);
        server.Signal(Posix.SIGTERM);
        Wire.ReadToEnd(silent).AssertIs([]);
        Wire.ReadToEnd(silentToo).AssertIs([]);
        _ = asking.Send(".ok,"u8);
        Wire.ReadToEnd(asking).AssertIs("2:OK,"u8);
        silent.Dispose();
        silentToo.Dispose();
        asking.Dispose();
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    private static void AssertReset(Delivery delivery)
    {
        Assert.IsTrue(delivery.WasReset, "it was closed with a FIN");
        Assert.IsEmpty(delivery.Bytes);
    }

    private static Delivery Ask(int port, string request, bool ends = false) => Ask(port, Encoding.UTF8.GetBytes(request), ends);

    private static Delivery Ask(int port, byte[] request, bool ends = false)
    {
        using Socket client = Wire.Connect(port);
        _ = client.Send(request);
        if (ends)
        {
            client.Shutdown(SocketShutdown.Send);
        }

        return Wire.ReadToEnd(client);
    }

    private NativeBinary Transform(params string[] options)
    {
        NativeBinary server = Start(new Launch(["transform", .. options]));
        _ = server.Output.WaitForLines(options.Contains("--text-port") ? 2 : 1);
        return server;
    }
}
