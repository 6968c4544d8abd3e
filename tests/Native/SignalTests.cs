using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// Signals in every phase of a command: before it is ready, while it waits for its input or its output, under nohup, and as
/// process 1 of a container, to which the kernel delivers no signal that has only its default effect.
/// </summary>
[TestClass]
public sealed class SignalTests : NativeTests
{
    /// <summary>Three: the loop, the runtime's finalizer, the log.</summary>
    private const int MaxIdleThreads = 3;

    /// <summary>Ignores a signal as nohup(1) does.</summary>
    private const string IgnoreHangUp = "trap '' HUP;";

    [TestMethod]
    public void Serve_Idle_HasThreeThreads()
    {
        NativeBinary server = ServePoem(Poem);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        string[] threads = [.. Directory.GetDirectories($"/proc/{server.ProcessId}/task").Select(task => File.ReadAllText($"{task}/comm"))];
        Assert.IsLessThanOrEqualTo(MaxIdleThreads, threads.Length, string.Join(' ', threads));
    }

    /// <summary>The kernel gives a signal to any thread that does not block it: proc(5), SigBlk in /proc/PID/status.</summary>
    [TestMethod]
    public void EveryThread_BlocksTheSignals()
    {
        NativeBinary server = ServePoem(Poem, "--workers", "2");
        foreach (string thread in Directory.GetDirectories($"/proc/{server.ProcessId}/task"))
        {
            string line = File.ReadLines($"{thread}/status").First(line => line.StartsWith("SigBlk:", StringComparison.Ordinal));
            ulong blocked = ulong.Parse(line["SigBlk:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            foreach (int signal in new[] { Posix.SIGHUP, Posix.SIGINT, Posix.SIGTERM, Posix.SIGUSR1, Posix.SIGUSR2 })
            {
                Assert.AreNotEqual(0UL, blocked & (1UL << (signal - 1)), $"signal {signal} of {File.ReadAllText($"{thread}/comm")}");
            }
        }
    }

    /// <summary>At this limit the runtime has no address space left for a thread's stack.</summary>
    [TestMethod]
    public void Terminate_WithoutAddressSpaceForAThread_EndsWithZero()
    {
        _ = Folder.Write("poem.txt", Poem);
        for (int i = 0; i < 5; i++)
        {
            NativeBinary server = Serve(new Launch("poem.txt") { Before = "ulimit -v 200000;" });
            server.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, server.WaitForExit().ExitCode);
        }
    }

    [TestMethod]
    public void User1AndTerminate_SentTogether_BothAct()
    {
        NativeBinary server = ServePoem(Poem);
        server.Signal(Posix.SIGSTOP);
        server.Signal(Posix.SIGUSR1);
        server.Signal(Posix.SIGTERM);
        server.Signal(Posix.SIGCONT);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode);
        Assert.Contains("statistics", finished.Errors);
    }

    [TestMethod]
    public void HangUp_OfAServerUnderNohup_Reloads()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Serve(new Launch("poem.txt") { Before = IgnoreHangUp });
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded poem.txt");
    }

    [TestMethod]
    public void HangUp_OfGetUnderNohup_IsIgnored()
    {
        using var server = new UnansweredPort();
        NativeBinary get = Start(new Launch("get", $"{server.Port}") { Before = IgnoreHangUp });
        WaitForSignalFd(get.ProcessId);
        get.Signal(Posix.SIGHUP);
        get.Signal(Posix.SIGTERM);
        Assert.AreEqual(143, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow(Posix.SIGHUP, 129)]
    [DataRow(Posix.SIGINT, 130)]
    [DataRow(Posix.SIGTERM, 143)]
    public void Get_WhoseOutputIsNotRead_IsEndedByASignal(int signal, int exitCode)
    {
        NativeBinary server = ServePoem(LongPoem);
        Posix.MakeFifo(Folder["out"]);
        NativeBinary get = Start(new Launch("get", "--quiet", $"{server.Port()}") { Redirection = ">out" });
        using FileStream unread = File.OpenRead(Folder["out"]);
        Assert.AreEqual(1, unread.Read(new byte[1]));
        get.Signal(signal);
        Assert.AreEqual(exitCode, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Get_IntoAFifoWithoutAReader_IsEndedByASignal()
    {
        NativeBinary server = ServePoem(Poem, "--log-level", "debug");
        Posix.MakeFifo(Folder["out"]);
        NativeBinary get = Start(new Launch("get", "--quiet", "--output", "out", $"{server.Port()}"));
        server.Errors.WaitForText("served");
        get.Signal(Posix.SIGTERM);
        Assert.AreEqual(143, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Serve_ThatWaitsForItsInput_IsEndedByASignal()
    {
        Posix.MakeFifo(Folder["in"]);
        NativeBinary server = Start(new Launch("serve", "-") { Redirection = "<in" });
        using FileStream input = File.OpenWrite(Folder["in"]);
        WaitForSignalFd(server.ProcessId);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>The kernel gives a process 1 only signals that it has a handler for, or has blocked.</summary>
    [TestMethod]
    [DataRow("serve - <in")]
    [DataRow("serve poem.txt")]
    [DataRow("get {port}")]
    public void AsProcess1_IsEndedByASignal(string command)
    {
        NeedRoot();
        using var silent = new UnansweredPort();
        _ = Folder.Write("poem.txt", Poem);
        Posix.MakeFifo(Folder["in"]);
        string[] words = command.Replace("{port}", $"{silent.Port}", StringComparison.Ordinal).Split(" <");
        NativeBinary outer = Start(new Launch(words[0].Split(' '))
        {
            Through = AsFirst,
            Redirection = words.Length > 1 ? "<" + words[1] : null,
        });
        using FileStream? input = words.Length > 1 ? File.OpenWrite(Folder["in"]) : null;
        int inner = ChildOf(outer.ProcessId);
        WaitForSignalFd(inner);
        Posix.Kill(inner, Posix.SIGTERM);
        Assert.AreEqual(command.StartsWith("get", StringComparison.Ordinal) ? 143 : 0, outer.WaitForExit().ExitCode);
    }

    /// <summary>The name server says nothing.</summary>
    [TestMethod]
    [DataRow("get nowhere.example:1", 143)]
    [DataRow("serve --iface nowhere.example poem.txt", 0)]
    public void AsProcess1_WhileANameIsLookedUp_IsEndedByASignal(string command, int exitCode)
    {
        NeedRoot();
        _ = Folder.Write("poem.txt", Poem);
        using var nameServer = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        nameServer.Bind(new IPEndPoint(IPAddress.Parse("127.7.7.7"), 53));
        nameServer.ReceiveTimeout = Patience.Milliseconds;
        _ = Folder.Write("resolv.conf", "nameserver 127.7.7.7\n");
        NativeBinary outer = Start(new Launch(command.Split(' '))
        {
            Through = [.. AsFirst, "--mount", "/bin/sh", "-c", "mount --bind resolv.conf /etc/resolv.conf && exec \"$@\"", "sh"],
        });
        _ = nameServer.Receive(new byte[512]);
        Posix.Kill(ChildOf(outer.ProcessId), Posix.SIGTERM);
        Assert.AreEqual(exitCode, outer.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void AsProcess1_WhoseOutputIsNotRead_IsEndedByASignal()
    {
        NeedRoot();
        NativeBinary server = ServePoem(LongPoem);
        Posix.MakeFifo(Folder["out"]);
        NativeBinary outer = Start(new Launch("get", "--quiet", $"{server.Port()}") { Through = AsFirst, Redirection = ">out" });
        using FileStream unread = File.OpenRead(Folder["out"]);
        Assert.AreEqual(1, unread.Read(new byte[1]));
        Posix.Kill(ChildOf(outer.ProcessId), Posix.SIGTERM);
        Assert.AreEqual(143, outer.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void AsProcess1_WhileItDrains_IsEndedByASecondSignal()
    {
        NeedRoot();
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary outer = Start(new Launch("slow-serve", "--delay", "1h", "--drain", "1h", "poem.txt") { Through = AsFirst });
        using Socket client = Wire.Connect(outer.Port());
        _ = Wire.ReadExactly(client, 1);
        int inner = ChildOf(outer.ProcessId);
        Posix.Kill(inner, Posix.SIGTERM);
        outer.Errors.WaitForText("draining");
        Posix.Kill(inner, Posix.SIGTERM);
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
        Assert.AreEqual(0, outer.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void AsProcess1_ReapsOrphans()
    {
        NeedRoot();
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary outer = Start(new Launch("serve", "poem.txt")
        {
            // The shell becomes the server, and leaves it a child that soon ends.
            Through = [.. AsFirst, "/bin/sh", "-c", "sleep 0.2 & exec \"$@\"", "sh"],
        });
        Wire.Fetch(outer.Port()).AssertIs(Poem);
        int inner = ChildOf(outer.ProcessId);
        Assert.IsTrue(
            SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{inner}/task/{inner}/children").Length == 0, Patience.Milliseconds),
            "a child is left");
        Posix.Kill(inner, Posix.SIGTERM);
        Assert.AreEqual(0, outer.WaitForExit().ExitCode);
    }

    private static string[] AsFirst => [Posix.Tool("unshare"), "--pid", "--fork", "--kill-child"];

    private static void NeedRoot()
    {
        if (!OperatingSystem.IsLinux() || !Posix.IsRoot)
        {
            Assert.Inconclusive("a namespace of processes takes root, on Linux");
        }
    }

    private static int ChildOf(int processId)
    {
        string children = "";
        Assert.IsTrue(
            SpinWait.SpinUntil(
                () => (children = File.ReadAllText($"/proc/{processId}/task/{processId}/children").Trim()).Length > 0,
                Patience.Milliseconds),
            "no child");
        return int.Parse(children, CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until the process has a descriptor for signals: from then on none is lost.</summary>
    private static void WaitForSignalFd(int processId)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("the descriptors of a process are read from /proc");
        }

        bool HasSignalFd() => Directory.GetFileSystemEntries($"/proc/{processId}/fd")
            .Any(link => new FileInfo(link).LinkTarget == "anon_inode:[signalfd]");
        Assert.IsTrue(SpinWait.SpinUntil(HasSignalFd, Patience.Milliseconds), "no descriptor for signals");
    }
}
