using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>A server's life: signals at every moment and for every server, closed descriptors, full disks, and limits.</summary>
[TestClass]
public sealed class LifeTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    [TestMethod]
    public void Terminate_SlowServe_FinishesAtItsPace()
    {
        NativeBinary server = Slow("--num-bytes", "100", "--delay", "0.05");
        using Socket client = Wire.Connect(server.Port());
        byte[] head = Wire.ReadExactly(client, 100);
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText("in flight: 1");
        Delivery rest = Wire.ReadToEnd(client);
        new Delivery([.. head, .. rest.Bytes], rest.WasReset).AssertIs(Poem);
        client.Dispose();
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("0.2", false, "0.2 s")]
    [DataRow("3600", true, "3600 s")]
    [DataRow("0", true, "none")]
    public void Terminate_SlowServeWithoutPatience_Resets(string drain, bool twice, string limit)
    {
        NativeBinary server = Slow("--num-bytes", "1", "--delay", "3600", "--drain", drain);
        using Socket client = Wire.Connect(server.Port());
        _ = Wire.ReadExactly(client, 1);
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText($"draining: connections in flight: 1, time limit: {limit}");
        if (twice)
        {
            server.Signal(Posix.SIGTERM);
        }

        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void Terminate_Transform_AnswersRequestsThatHaveBegun(int port)
    {
        NativeBinary server = Start(new Launch("transform", "--text-port", "0"));
        _ = server.Output.WaitForLines(2);
        using Socket client = Wire.Connect(server.Port(port));
        _ = client.Send(port == 0 ? "11:shout."u8 : "shout\n"u8);
        server.Signal(Posix.SIGHUP);
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText("in flight: 1");
        Assert.IsTrue(Wire.IsRefused(server.Port(port)));
        _ = client.Send(port == 0 ? "hello,"u8 : "hello"u8);
        client.Shutdown(SocketShutdown.Send);
        Assert.AreEqual(port == 0 ? "5:HELLO," : "HELLO", Encoding.ASCII.GetString(Wire.ReadToEnd(client).Bytes));
        client.Dispose();
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("0.2", false)]
    [DataRow("3600", true)]
    public void Terminate_TransformWithoutPatience_Resets(string drain, bool twice)
    {
        NativeBinary server = Start(new Launch("transform", "--drain", drain));
        using Socket client = Wire.Connect(server.Port());
        _ = client.Send("11:shout."u8);
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText("in flight: 1");
        if (twice)
        {
            server.Signal(Posix.SIGINT);
        }

        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
    }

    /// <summary>Connections that the kernel has completed but the server has not accepted yet are served.</summary>
    [TestMethod]
    public void Terminate_ABacklogThatIsNotAccepted_IsServed()
    {
        NativeBinary server = ServePoem(Poem);
        Socket[] waiting;
        server.Signal(Posix.SIGSTOP); // The clients queue up, and the end is asked for before the server runs again.
        try
        {
            waiting = [.. Enumerable.Range(0, 100).Select(_ => Own(Wire.Connect(server.Port())))];
            server.Signal(Posix.SIGTERM);
        }
        finally
        {
            server.Signal(Posix.SIGCONT);
        }

        foreach (Socket client in waiting)
        {
            Wire.ReadToEnd(client).AssertIs(Poem);
            client.Dispose();
        }

        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("serve", "poem.txt")]
    [DataRow("slow-serve", "--delay", "0", "poem.txt")]
    [DataRow("serve", "--workers", "2", "poem.txt")]
    public void User1_TenThousandTimesUnderLoad_DoesNoHarm(params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch(arguments));
        int port = server.Port();
        for (int i = 0; i < 10_000; i++)
        {
            server.Signal(Posix.SIGUSR1);
            if (i % 20 == 0)
            {
                Wire.Fetch(port).AssertIs(Poem, $"client {i}");
            }
        }

        server.Errors.WaitForText("statistics: ");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void User1_Once_IsOneLineOfStatistics()
    {
        NativeBinary server = ServePoem(Poem);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Errors.WaitForText("served");
        server.Signal(Posix.SIGUSR1);
        server.Errors.WaitForText("statistics: connections: 0 open, 1 accepted, 1 whole, 0 left, 0 timed out; bytes sent: 600; ");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(1, server.WaitForExit().ErrorLines.Count(line => line.Contains("statistics", StringComparison.Ordinal)));
    }

    /// <summary>A script that waits for the ready line must not wait for ever.</summary>
    [TestMethod]
    [DynamicData(nameof(CommandNames.Servers), typeof(CommandNames))]
    public void Start_WhereTheReadyLineCannotBeWritten_IsOneLineAndTheEnd(string command)
    {
        _ = Folder.Write("poem.txt", Poem);
        string[] operands = CommandNames.OperandsOf(command);
        string[] arguments = operands is [var operand] ? [$"unix:poem.sock={operand}"] : ["--listen", "unix:poem.sock"];
        Finished finished = Run(new Launch([command, .. arguments]) { Redirection = ">/dev/full" });
        AssertFailed(finished, 1, "poetry: cannot write standard output: no space left on device");
        Assert.IsFalse(Folder.Names.Contains("poem.sock"), "its socket was left behind");
    }

    /// <summary>The reader of the ready lines has gone: that is no error.</summary>
    [TestMethod]
    public void Start_WhereTheReaderOfTheReadyLinesHasGone_Serves()
    {
        Posix.MakeFifo(Folder["input"]);
        Posix.MakeFifo(Folder["ready"]);
        NativeBinary server = Start(new Launch("serve", "unix:poem.sock=-") { Redirection = "<input >ready" });

        // Each opening waits for the shell; the server can't be ready before its poem is there.
        using (FileStream input = File.OpenWrite(Folder["input"]))
        {
            File.OpenRead(Folder["ready"]).Dispose();
            input.Write(Poem);
        }

        Finished got = Run("get", "--quiet", "--retry", "6", "unix:poem.sock");
        Assert.AreEqual(0, got.ExitCode, server.Errors.Text);
        new Delivery(got.Bytes, WasReset: false).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>Every subset of the three: the client gets the poem, and never a line of the log.</summary>
    [TestMethod]
    [DataRow("<&-")]
    [DataRow(">&-")]
    [DataRow("<&- >&-")]
    [DataRow("2>&-")]
    [DataRow("<&- 2>&-")]
    [DataRow(">&- 2>&-")]
    [DataRow("<&- >&- 2>&-")]
    public void Start_WithDescriptorsClosed_ServesThePoemAlone(string redirection)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch(
            "serve", "--log-level", "trace", "--metrics", "unix:m.sock", "unix:poem.sock=poem.txt")
        { Redirection = redirection });
        Finished first = Run("get", "--quiet", "--retry", "6", "unix:poem.sock");
        Assert.AreEqual(0, first.ExitCode, first.Errors);
        for (int i = 0; i < 50; i++)
        {
            Wire.Fetch(Folder["poem.sock"]).AssertIs(Poem);
        }

        server.Signal(Posix.SIGUSR1);
        Assert.AreEqual("ok\n", HttpAnswer.Get(Folder["m.sock"], "/healthz").Body);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Log_OnAFullDisk_CostsNoPoem()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch("serve", "poem.txt") { Redirection = "2>/dev/full" });
        for (int i = 0; i < 100; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>The reader of the log pauses until much more than the buffers was logged: then it learns how much it missed.</summary>
    [TestMethod]
    public void Log_NotReadForAWhile_SaysOnceHowMuchWasDropped()
    {
        const int Fetches = 6000;
        _ = Folder.Write("poem.txt", Poem);
        Posix.MakeFifo(Folder["log"]);
        NativeBinary server = Start(new Launch("serve", "poem.txt") { Redirection = "2>log" });
        using FileStream log = File.OpenRead(Folder["log"]);
        for (int i = 0; i < Fetches; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        using var reader = new ProcessOutput(log, "the log");
        reader.WaitForText("dropped ");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        reader.WaitForEnd();
        string[] lines = reader.Text.TrimEnd('\n').Split('\n');
        int served = lines.Count(line => line.Contains(" served ", StringComparison.Ordinal));
        string[] told = [.. lines.Where(line => line.Contains("dropped ", StringComparison.Ordinal))];
        Assert.HasCount(1, told);
        string[] words = told[0].Split(' ');
        int dropped = int.Parse(words[Array.IndexOf(words, "dropped") + 1], CultureInfo.InvariantCulture);
        Assert.AreEqual(Fetches, served + dropped, told[0]);
    }

    /// <summary>A stuck log gets what is left of the drain time, and a fifth of a second if nothing is left.</summary>
    [TestMethod]
    public void Terminate_WithAStuckLog_EndsWithTheDrain()
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write("long.txt", LongPoem);
        Posix.MakeFifo(Folder["log"]);
        NativeBinary server = Start(new Launch("serve", "--drain", "2", "0=poem.txt", "0=long.txt") { Redirection = "2>log" });
        using FileStream log = File.OpenRead(Folder["log"]);
        _ = server.Output.WaitForLines(2);
        using Socket inFlight = Wire.Connect(server.Port(1), 4096);
        for (int i = 0; i < 1500; i++)
        {
            Wire.Fetch(server.Port(0)).AssertIs(Poem);
        }

        long start = Stopwatch.GetTimestamp();
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsInRange(1.9, 2.9, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>
    /// Two hundred clients at 64 descriptors. While a slow poem of thirty pieces comes, which takes three seconds, the
    /// server may use a tenth of that time, and say two things; when the crowd has left, all is well at once.
    /// </summary>
    [TestMethod]
    public void Descriptors_UsedUp_CostNoTimeAndFewWords()
    {
        const int Pieces = 30;
        NativeBinary server = SlowBefore("ulimit -n 64;", "--max-connections", "0", "--num-bytes", "1", "--delay", "0.1");
        using Socket observer = Wire.Connect(server.Port());
        _ = Wire.ReadExactly(observer, 1);
        Socket[] crowd = [.. Enumerable.Range(0, 200).Select(_ => Own(Wire.Connect(server.Port())))];
        server.Errors.WaitForText(" paused for ");
        long before = Ticks(server);
        _ = Wire.ReadExactly(observer, Pieces);
        long used = Ticks(server) - before;
        int lines = server.Errors.Lines.Count(line => line.Contains(" paused for ", StringComparison.Ordinal));
        Assert.IsLessThanOrEqualTo(30, used, "ticks of 10 ms");
        Assert.IsLessThanOrEqualTo(2, lines, server.Errors.Text);
        Array.ForEach(crowd, client => client.Dispose());
        Assert.IsTrue(Enumerable.Range(0, 200).Any(_ => GetsAByte(server)), "no client is accepted any more");
    }

    /// <summary>
    /// False for one who was turned away: those of the crowd that never came in are dealt with first, as the descriptors
    /// of the others come free.
    /// </summary>
    private static bool GetsAByte(NativeBinary server)
    {
        using Socket client = Wire.Connect(server.Port());
        try
        {
            return client.Receive(new byte[1]) == 1;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }

    /// <summary>It has been told to end, and signals go on coming until it has.</summary>
    [TestMethod]
    [DataRow("TERM")]
    [DataRow("USR1")]
    [DataRow("HUP")]
    public void SignalsUntilTheEnd_DoNotCostTheExitCode(string signal)
    {
        _ = Folder.Write("poem.txt", Poem);
        for (int i = 0; i < 5; i++)
        {
            NativeBinary server = Start(new Launch("serve", "--log-level", "error", "poem.txt"));
            _ = server.Port();
            string storm = $"kill -TERM {server.ProcessId}; while kill -{signal} {server.ProcessId} 2>/dev/null; do :; done";
            _ = ToolRun.Run(Folder.Path, "/bin/sh", "-c", storm);
            Assert.AreEqual(0, server.WaitForExit().ExitCode, $"run {i}");
        }
    }

    /// <summary>A small limit of descriptors leaves room for clients, and not only for the reserve.</summary>
    [TestMethod]
    public void Descriptors_Few_StillServeSeveralAtOnce()
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Start(new Launch("serve", "poem.txt") { Before = "ulimit -n 64;" });
        Socket[] held = [.. Enumerable.Range(0, 20).Select(_ => Own(Wire.Connect(server.Port(), SmallBufferBytes)))];
        Array.ForEach(held, client => Wire.ReadExactly(client, 1));
        Wire.Fetch(server.Port()).AssertIs(LongPoem);
    }

    private NativeBinary Slow(params string[] options) => SlowBefore(null, options);

    private NativeBinary SlowBefore(string? before, params string[] options)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch(["slow-serve", .. options, "poem.txt"]) { Before = before });
        _ = server.Port();
        return server;
    }

    /// <summary>The time of the processor, fields 14 and 15 of /proc/PID/stat, counted from behind the name.</summary>
    private static long Ticks(NativeBinary server)
    {
        string stat = File.ReadAllText($"/proc/{server.ProcessId}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
