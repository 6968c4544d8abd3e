using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get: streaming, and progress for programs and for terminals.</summary>
[TestClass]
public sealed class GetProgressTests : NativeTests
{
    private const string OnATerminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

    /// <summary>The server never ends, so that only the reader's end can end the program.</summary>
    [TestMethod]
    [DataRow("head -c 10", 10)]
    [DataRow("true", 0)]
    public void Stream_ReaderGoes_EndsAtOnce(string reader, int length)
    {
        FaultServer server = Own(FaultServer.Hanging(Poem[..10]));
        Finished finished = Run(new Launch("get", "--quiet", "--stream", server.Address) { Redirection = $"| {reader}" });
        CollectionAssert.AreEqual(Poem[..length], finished.Bytes);
        Assert.IsEmpty(finished.Errors);
    }

    [TestMethod]
    public void Stream_BytesAreWrittenAsTheyCome()
    {
        using var go = new ManualResetEvent(false);
        FaultServer server = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        Posix.MakeFifo(Folder["out"]);
        using var reader = new FileStream(Folder["out"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        NativeBinary get = Start(new Launch("get", "--quiet", "--stream", "--output", "out", server.Address));
        byte[] first = new byte[100];
        reader.ReadExactly(first);
        CollectionAssert.AreEqual(Poem[..100], first);
        _ = go.Set();
        byte[] rest = new byte[Poem.Length - 100];
        reader.ReadExactly(rest);
        CollectionAssert.AreEqual(Poem[100..], rest);
        Assert.AreEqual(0, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Stream_CutOff_EndsWith1AndKeepsWhatWasWritten()
    {
        FaultServer server = Own(FaultServer.Sending("600:half a poem"u8.ToArray()));
        Finished finished = Run("get", "--quiet", "--stream", "--netstring", "--retry", "3", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.AreEqual("half a poem", Encoding.UTF8.GetString(finished.Bytes));
        Assert.AreEqual($"Task 1: {server.Address}: got 11 of 600 bytes\n", finished.Errors);
    }

    /// <summary>Aim: the memory does not grow with the poem. Method: its high-water mark after 16 MB and after 256.</summary>
    [TestMethod]
    public void Stream_EndlessPoem_TakesConstantMemory()
    {
        byte[] chunk = new byte[1 << 20];
        using var sent = new ManualResetEvent(false);
        long first = 0;
        NativeBinary? get = null;
        FaultServer server = Own(new FaultServer((client, _) =>
        {
            for (int i = 0; i < 256; i++)
            {
                _ = client.Send(chunk);
                first = i == 16 ? PeakMemory(get!) : first;
            }

            sent.Set();
        }));
        get = Start(new Launch("get", "--quiet", "--stream", "--output", "/dev/null", server.Address));
        Assert.IsTrue(sent.WaitOne(Patience.Milliseconds));
        Assert.IsLessThan(first + 2048, PeakMemory(get), $"KiB; {first} after 16 MB");
        get.Signal(Posix.SIGTERM);
        Assert.AreEqual(143, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Stream_IntoAFile_IsWrongUsage()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        AssertFailed(Run("get", "--stream", "--output", "got.txt", server.Address), 2, "--stream needs standard output, a device or a pipe");
    }

    /// <summary>Standard error has JSON and nothing else, read by a reader that takes no other.</summary>
    [TestMethod]
    public void Json_EveryLine_IsAnEvent()
    {
        NativeBinary good = ServePoem(Poem, "--netstring");
        FaultServer bad = Own(FaultServer.Sending("600:half"u8.ToArray()));
        string[] addresses = [$"127.0.0.1:{good.Port()}", bad.Address];
        Finished finished = Run(["get", "--netstring", "-v", "--retry", "1", "--progress", "json", .. addresses]);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        JsonElement[] events = [.. finished.ErrorLines.Select(line => JsonDocument.Parse(line).RootElement)];
        string[] names = [.. events.Select(line => line.GetProperty("event").GetString()!)];
        foreach (string name in (string[])["start", "bytes", "note", "retry", "done", "failed", "summary"])
        {
            CollectionAssert.Contains(names, name);
        }

        JsonElement done = events.Single(line => line.GetProperty("event").GetString() == "done");
        Assert.AreEqual((1, Poem.Length, Poem.Length), (Number(done, "task"), Number(done, "bytes"), Number(done, "total")));
        Assert.AreEqual(addresses[0], done.GetProperty("address").GetString());
        JsonElement failed = events.Single(line => line.GetProperty("event").GetString() == "failed");
        Assert.AreEqual((2, 4, 600), (Number(failed, "task"), Number(failed, "bytes"), Number(failed, "total")));
        Assert.AreEqual("got 4 of 600 bytes", failed.GetProperty("error").GetString());
        JsonElement summary = events[^1];
        Assert.AreEqual("summary", summary.GetProperty("event").GetString());
        Assert.AreEqual((1, 1), (Number(summary, "poems"), Number(summary, "failed")));
        Assert.IsGreaterThanOrEqualTo(0.5, summary.GetProperty("seconds").GetDouble(), "the retry waits for so long");
    }

    /// <summary>However the command ends, each download that began ends once, and the summary is last and latest.</summary>
    [TestMethod]
    [DataRow("interrupted", 130, "ended by SIGINT")]
    [DataRow("terminated", 143, "ended by SIGTERM")]
    [DataRow("hung up", 129, "ended by SIGHUP")]
    [DataRow("--max-time", 1, "timed out: not done in 0.3 s")]
    [DataRow("--race", 0, "another download was complete first")]
    [DataRow("--race into a file", 0, "another download was complete first")]
    [DataRow("--all-or-nothing", 1, "another download failed")]
    [DataRow("--all-or-nothing, interrupted", 130, "ended by SIGINT")]
    [DataRow("--wait, interrupted", 130, "ended by SIGINT")]
    [DataRow("no reader", 0, "the reader of standard output has gone")]
    public void Json_ADownloadThatBegan_EndsOnce(string what, int exitCode, string reason)
    {
        using var go = new ManualResetEvent(false);
        FaultServer hanging = Own(FaultServer.Hanging(Poem[..100]));
        FaultServer whole = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        FaultServer broken = Own(new FaultServer((client, _) =>
        {
            Assert.IsTrue(go.WaitOne(Patience.Milliseconds));
            Wire.Reset(client);
        }));
        string[] options = what == "--max-time" ? ["--max-time", "0.3"]
            : what.EndsWith("file", StringComparison.Ordinal) ? ["--race", "-o", "got"]
            : what.StartsWith("--", StringComparison.Ordinal) ? [what.Split(',')[0]]
            : [];
        FaultServer other = what == "--all-or-nothing" ? broken : whole;
        NativeBinary get = Start(new Launch(["get", "--progress", "json", .. options, hanging.Address, hanging.Address, other.Address])
        {
            Redirection = what == "no reader" ? "| true" : null,
        });
        get.Errors.WaitForText("{\"event\":\"bytes\",\"task\":1");
        get.Errors.WaitForText("{\"event\":\"bytes\",\"task\":2");
        _ = go.Set();
        if (exitCode > 128)
        {
            get.Errors.WaitForText("\"bytes\":600,");
            get.Signal(exitCode - 128);
        }

        Finished finished = get.WaitForExit();
        Assert.AreEqual(exitCode, finished.ExitCode, finished.Errors);
        JsonElement[] ends = EndsOf(finished, tasks: 3);
        Assert.Contains(reason, ends[0].GetProperty("error").GetString()!);
        Assert.Contains(reason, ends[1].GetProperty("error").GetString()!);
    }

    /// <summary>The end of a poem and a signal come in one turn of the loop, the poem first: it is written, and that is told.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Json_SignalTogetherWithTheEndOfAPoem_TellsOfThePoem()
    {
        using var go = new ManualResetEvent(false);
        using var ended = new ManualResetEvent(false);
        FaultServer server = Own(new FaultServer((client, _) =>
        {
            _ = client.Send(Poem);
            Assert.IsTrue(go.WaitOne(Patience.Milliseconds));
            client.Shutdown(SocketShutdown.Send);
            ended.Set();
        }));
        NativeBinary get = Start(new Launch("get", "--progress", "json", "-o", "got.txt", server.Address));
        get.Errors.WaitForText("\"bytes\":600,");
        get.Signal(Posix.SIGSTOP);
        _ = go.Set();
        Assert.IsTrue(ended.WaitOne(Patience.Milliseconds));
        get.Signal(Posix.SIGTERM);
        get.Signal(Posix.SIGCONT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(143, finished.ExitCode, finished.Errors);
        _ = EndsOf(finished, tasks: 1);
    }

    /// <summary>Half of a framed poem has come: the bar knows how much that is.</summary>
    [TestMethod]
    public void Bars_FramedPoem_ShowPerCentAndTimeLeft()
    {
        byte[] frame = [.. "200:"u8, .. MakePoem(200), (byte)','];
        using var go = new ManualResetEvent(false);
        FaultServer server = Own(FaultServer.Pausing(frame[..104], frame[104..], go));
        NativeBinary get = OnTerminal("get", "--netstring", "--output", "got.txt", server.Address);
        get.Output.WaitForText(" 50% ");
        get.Output.WaitForText(" eta ");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, get.Output.Text);
        Assert.Contains("] 100% ", get.Output.Text);
        Assert.Contains("B/s", get.Output.Text);
    }

    [TestMethod]
    [DataRow("always", true)]
    [DataRow("never", false)]
    [DataRow("auto", true)]
    public void Bars_Color_IsAsAskedFor(string mode, bool isGreen)
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        NativeBinary get = OnTerminal("get", "--color", mode, "--output", "got.txt", server.Address);
        Assert.AreEqual(0, get.WaitForExit().ExitCode, get.Output.Text);
        Assert.AreEqual(isGreen, get.Output.Text.Contains("\x1b[32m", StringComparison.Ordinal), get.Output.Text);
    }

    /// <summary>The first event takes the only page of the pipe, and the next one waits for its reader.</summary>
    [TestMethod]
    public void Json_ThatIsNotRead_DoesNotKeepASignalFromEndingTheCommand()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        using FileStream reader = SmallPipe("stuck");
        string[] addresses = [.. Enumerable.Repeat(server.Address, 5)];
        NativeBinary get = Start(new Launch(["get", "--progress", "json", .. addresses]) { Redirection = "2> stuck" });
        Assert.AreEqual('{', reader.ReadByte());
        get.Signal(Posix.SIGINT);
        Assert.AreEqual(130, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Summary_ThatIsNotRead_DoesNotKeepASignalFromEndingTheCommand()
    {
        FaultServer server = Own(FaultServer.Sending("a poem\n"u8.ToArray()));
        using FileStream reader = SmallPipe("stuck");
        reader.WriteByte(0);
        NativeBinary get = Start(new Launch("get", "--progress", "lines", server.Address) { Redirection = "2> stuck" });
        get.Output.WaitForText("a poem");
        get.Signal(Posix.SIGINT);
        Assert.AreEqual(130, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Json_DownloadsThatWaitForASlot_AreNotStartedByASignal()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--progress", "json", "--parallel-max", "1", server.Address, server.Address, server.Address));
        server.WaitForClient();
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode);
        Assert.AreEqual(1, finished.ErrorLines.Count(line => line.Contains("\"start\"", StringComparison.Ordinal)), finished.Errors);
        _ = EndsOf(finished, tasks: 1);
    }

    /// <summary>Checks the order of all events.</summary>
    /// <returns>The event that ended each task.</returns>
    internal static JsonElement[] EndsOf(Finished finished, int tasks)
    {
        JsonElement[] events = [.. finished.ErrorLines.Select(line => JsonDocument.Parse(line).RootElement)];
        JsonElement[] ends = new JsonElement[tasks];
        double seconds = 0;
        for (int task = 1; task <= tasks; task++)
        {
            JsonElement[] own = [.. events.Where(line => line.TryGetProperty("task", out JsonElement number) && number.GetInt32() == task)];
            string[] names = [.. own.Select(line => line.GetProperty("event").GetString()!)];
            Assert.AreEqual("start", names[0], finished.Errors);
            Assert.AreEqual(1, names.Count(name => name is "done" or "failed" or "cancelled"), finished.Errors);
            ends[task - 1] = own[^1];
            Assert.IsTrue(names[^1] is "done" or "failed" or "cancelled", finished.Errors);
            seconds = Math.Max(seconds, own.Max(line => line.GetProperty("seconds").GetDouble()));
        }

        string[] all = [.. events.Select(line => line.GetProperty("event").GetString()!)];
        Assert.AreEqual(1, all.Count(name => name == "summary"), finished.Errors);
        Assert.AreEqual("summary", all[^1], finished.Errors);
        Assert.IsGreaterThanOrEqualTo(seconds, events[^1].GetProperty("seconds").GetDouble(), finished.Errors);
        Assert.AreEqual(all.Count(name => name == "done"), Number(events[^1], "poems"));
        Assert.AreEqual(all.Count(name => name == "failed"), Number(events[^1], "failed"));
        return ends;
    }

    /// <summary>A new FIFO of one page, open at both ends so that no open blocks.</summary>
    private FileStream SmallPipe(string name)
    {
        Posix.MakeFifo(Folder[name]);
        var pipe = new FileStream(Folder[name], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        Posix.MakePipeSmall(pipe.SafeFileHandle);
        return pipe;
    }

    private static long PeakMemory(NativeBinary process)
    {
        string line = File.ReadLines($"/proc/{process.ProcessId}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], null);
    }

    private static int Number(JsonElement line, string name) => line.GetProperty(name).GetInt32();

    private NativeBinary OnTerminal(params string[] arguments) => Start(new Launch(arguments)
    {
        Through = [Posix.Tool("python3"), "-c", OnATerminal],
        Environment = { ["TERM"] = "xterm" },
    });
}
