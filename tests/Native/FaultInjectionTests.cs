using System.Globalization;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// System calls that fail, by strace: it answers in the kernel's place. What is refused to the server costs at most the
/// connection it was for, and when the fault is over all is well again.
/// </summary>
[TestClass]
public sealed class FaultInjectionTests : NativeTests
{
    private const int Clients = 40;

    private string[] _strace = [];

    [TestInitialize]
    public void FindStrace()
    {
        string strace = Posix.Tool("strace");
        Finished trial = ToolRun.Run(Folder.Path, strace, "-f", "-o", "/dev/null", "-e", "inject=getppid:error=EPERM", "/bin/true");
        if (trial.ExitCode != 0)
        {
            Assert.Inconclusive($"strace may not trace here: {trial.Errors}");
        }

        // With -D the traced program stays our child, and gets our signals.
        _strace = [strace, "-D", "-f", "-qq", "-o", Folder["trace.log"]];
    }

    [TestMethod]
    public void Get_WithASignalBeforeItsLoopRuns_StartsNothing()
    {
        Finished finished = Run(new Launch("get", "--progress", "json", "1")
        {
            Through = [.. _strace, "-e", "trace=epoll_create1", "-e", "inject=epoll_create1:signal=SIGINT"],
        });
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith("{\"event\":\"summary\",\"poems\":0,\"failed\":0", finished.Errors);
    }

    /// <summary>The signal is read by the next event, which asks for it before it waits; the loop has to end all the same.</summary>
    [TestMethod]
    public void Get_WithASignalDuringAnEvent_Ends()
    {
        FaultServer server = Own(FaultServer.Hanging("a part"u8.ToArray()));
        Finished finished = Run(new Launch("get", "--progress", "json", server.Address, server.Address)
        {
            Through = [.. _strace, "-e", "trace=write", "-e", "inject=write:signal=SIGINT:when=1"],
        });
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        _ = GetProgressTests.EndsOf(finished, tasks: 2);
    }

    /// <summary>The client is still in the queue, or has gone: no client gets less than the whole poem.</summary>
    [TestMethod]
    [DataRow("ENFILE")]
    [DataRow("EMFILE")]
    [DataRow("ENOBUFS")]
    [DataRow("ENOMEM")]
    [DataRow("ECONNABORTED")]
    [DataRow("EPROTO")]
    [DataRow("EPERM")]
    [DataRow("EINTR")]
    [DataRow("ENETDOWN")]
    public void Accept_FailsForAWhile_NobodyGetsLess(string error)
    {
        string when = error is "ENFILE" or "EMFILE" or "ENOBUFS" or "ENOMEM" ? "3..8" : "3..50";
        NativeBinary server = ServeTraced(Poem, $"inject=accept4:error={error}:when={when}");
        for (int i = 0; i < Clients; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem, $"client {i}");
        }

        AssertEndsWell(server);
        Assert.IsLessThanOrEqualTo(2, server.Errors.Text.Split(" paused for ").Length - 1, "a line each 10 s at most");
    }

    /// <summary>A server that lost its port ends, so that its supervisor can restart it.</summary>
    [TestMethod]
    [DataRow("EBADF", "1")]
    [DataRow("EINVAL", "2")]
    [DataRow("EPERM", "1")]
    [DataRow("EACCES", "2")]
    [DataRow("ENOSYS", "1")]
    public void Accept_FailsForGood_EndsTheServer(string error, string workers)
    {
        NativeBinary server = ServeTraced(
            Poem, $"inject=accept4,accept:error={error}:when=3+", "--workers", workers, "--log-level", "warn");
        _ = Own(Wire.Connect(server.Port()));
        for (int i = 0; i < 50 && !Wire.IsRefused(server.Port()); i++)
        {
            // Each worker has its own accepts; sooner or later one of them meets the error.
        }

        Finished finished = server.WaitForExit();
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.Contains("failed permanently", finished.Errors);
        Assert.IsLessThanOrEqualTo(int.Parse(workers, CultureInfo.InvariantCulture), finished.ErrorLines.Length, finished.Errors);
        int accepts = File.ReadAllLines(Folder["trace.log"]).Length;
        Assert.IsLessThan(1000, accepts, "it does not spin");
    }

    [TestMethod]
    [DataRow("EINTR")]
    [DataRow("EAGAIN")]
    [DataRow("ENOBUFS")]
    public void Send_FailsNowAndThen_ThePoemsAreWholeOrReset(string error)
    {
        NativeBinary server = ServeTraced(
            LongPoem, $"inject=sendto,sendmsg,sendfile,writev,write:error={error}:when=20+3", "--log-level", "error");
        int whole = 0;
        for (int i = 0; i < 5; i++)
        {
            Delivery delivery = Wire.Fetch(server.Port());
            if (error != "ENOBUFS" || !delivery.WasReset)
            {
                delivery.AssertIs(LongPoem, $"client {i}");
                whole++;
            }
        }

        Assert.IsTrue(error == "ENOBUFS" || whole == 5);
        AssertEndsWell(server);
    }

    [TestMethod]
    [DataRow("shutdown", "ENOTCONN")]
    [DataRow("shutdown", "EIO")]
    [DataRow("recvfrom", "ECONNRESET")]
    [DataRow("recvfrom", "EIO")]
    [DataRow("getpeername", "ENOTCONN")]
    [DataRow("setsockopt", "ENOPROTOOPT")]
    [DataRow("ioctl", "EINVAL")]
    [DataRow("close", "EINTR")]
    public void ACall_FailsForAWhile_TheServiceGoesOn(string call, string error)
    {
        NativeBinary server = ServeTraced(Poem, $"inject={call}:error={error}:when=40..60");
        for (int i = 0; i < 100; i++)
        {
            Delivery delivery = Wire.Fetch(server.Port());
            Assert.IsTrue(delivery.WasReset || delivery.Bytes.Length == Poem.Length, $"client {i} got {delivery.Bytes.Length} bytes");
        }

        Wire.Fetch(server.Port()).AssertIs(Poem);
        AssertEndsWell(server);
    }

    /// <summary>Connections that can't be registered with the poller are reset; later ones are served.</summary>
    [TestMethod]
    [DataRow("ENOSPC")]
    [DataRow("ENOMEM")]
    public void Watching_IsRefusedForAWhile_CostsOnlyThoseConnections(string error)
    {
        NativeBinary server = ServeTraced(LongPoem, $"inject=epoll_ctl:error={error}:when=5..12");
        Delivery last = default;
        for (int i = 0; i < 30; i++)
        {
            last = Wire.Fetch(server.Port());
            Assert.IsTrue(last.WasReset || last.Bytes.Length == LongPoem.Length, $"client {i} got {last.Bytes.Length} bytes and a clean end");
        }

        last.AssertIs(LongPoem);
        Assert.ContainsSingle(line => line.Contains("the poller refused", StringComparison.Ordinal), server.Errors.Lines, "said once");
        AssertEndsWell(server);
    }

    /// <summary>The stack is small, so that a call that is made again by recursion ends the server.</summary>
    [TestMethod]
    [DataRow("recvfrom", "epoll")]
    [DataRow("sendto", "epoll")]
    [DataRow("epoll_wait", "epoll")]
    [DataRow("pselect6", "select")]
    public void ACall_ThatIsInterruptedAgainAndAgain_IsMadeAgain(string call, string backend)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch("serve", "poem.txt")
        {
            Before = "ulimit -s 256;",
            Through = [.. _strace, "-e", $"trace={call}", "-e", $"inject={call}:error=EINTR:when=1..4000"],
            Environment = { ["POETRY_REACTOR"] = backend },
        });
        for (int i = 0; i < 3; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        AssertEndsWell(server);
    }

    /// <summary>Without what it can't do without, it says so in one line; without the rest it does without.</summary>
    [TestMethod]
    [DataRow("epoll_create1", "ENOSYS", true)]
    [DataRow("epoll_create1", "EMFILE", false)]
    [DataRow("eventfd2", "EMFILE", false)]
    [DataRow("bind", "EACCES", false)]
    [DataRow("listen", "EADDRINUSE", false)]
    [DataRow("socket", "EAFNOSUPPORT", false)]
    [DataRow("memfd_create", "ENOSYS", true)]
    [DataRow("sendfile", "EINVAL", true)]
    [DataRow("prlimit64", "EPERM", true)]
    [DataRow("madvise", "EINVAL", true)]
    [DataRow("setsockopt", "ENOPROTOOPT", true)]
    public void Start_WithoutACall_ServesOrSaysWhy(string call, string error, bool serves)
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Start(new Launch("serve", "poem.txt") { Through = [.. _strace, "-e", $"inject={call}:error={error}"] });
        if (serves)
        {
            Wire.Fetch(server.Port()).AssertIs(LongPoem);
            AssertEndsWell(server);
        }
        else
        {
            AssertFailed(server.WaitForExit(), 1);
        }
    }

    /// <summary>A signal that comes while the poem is read, at the start or again, ends the server all the same.</summary>
    [TestMethod]
    public void Terminate_WhileItReloads_EndsWithZero()
    {
        NativeBinary server = ServeTraced(Poem, "inject=openat:delay_enter=300000:when=20+");
        for (int i = 0; i < 5; i++)
        {
            server.Signal(Posix.SIGHUP);
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>The filters of old container engines answer calls that they do not know with EPERM: what has another way goes it.</summary>
    [TestMethod]
    [DataRow("statx")]
    [DataRow("accept4")]
    [DataRow("eventfd2")]
    [DataRow("epoll_create1")]
    [DataRow("memfd_create")]
    [DataRow("sendfile")]
    [DataRow("signalfd4")]
    public void Serve_WithoutACallThatHasAnotherWay_Serves(string call)
    {
        NativeBinary server = ServeTraced(LongPoem, $"inject={call}:error=EPERM");
        for (int i = 0; i < 3; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(LongPoem);
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Get_IntoAFileWithoutStatx_WritesIt()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run(new Launch("get", "--quiet", "--output", "got.txt", $"{server.Port()}")
        {
            Through = [.. _strace, "-e", "trace=statx", "-e", "inject=statx:error=EPERM"],
        });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(Poem, File.ReadAllBytes(Folder["got.txt"]));
    }

    /// <summary>The first is held between its probe of the stale socket and its removal, as a busy machine may hold it.</summary>
    [TestMethod]
    public void Serve_TwoStartsOnAStaleSocket_OneServesAndTheOtherIsRefused()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary killed = Serve("unix:poem.sock=poem.txt");
        killed.Kill();
        NativeBinary first = Start(new Launch("serve", "unix:poem.sock=poem.txt")
        {
            Through = [.. _strace, "-e", "trace=unlink", "-e", "inject=unlink:delay_enter=1000000:when=1"],
        });
        string folder = $"/proc/{first.ProcessId}/fd";
        Assert.IsTrue(
            SpinWait.SpinUntil(() => Array.Exists(Directory.GetFileSystemEntries(folder), IsTheFolder), Patience.Milliseconds),
            "the folder is not locked");
        Finished second = Run("serve", "unix:poem.sock=poem.txt");
        AssertFailed(second, 1, "address already in use");
        Assert.AreEqual("Serving poem.txt on unix:poem.sock.", first.Output.WaitForLines(1)[0]);
        Wire.Fetch(Folder["poem.sock"]).AssertIs(Poem);

        bool IsTheFolder(string link) => new FileInfo(link).LinkTarget == Folder.Path;
    }

    /// <summary>
    /// Whenever the signal comes, be it between any two calls of the start: either nothing is there yet, and it ends the
    /// process as it ends any other, or it is heard by the server, which removes its socket.
    /// </summary>
    [TestMethod]
    [DataRow("socket", 3)]
    [DataRow("bind", 2)]
    [DataRow("listen", 2)]
    [DataRow("epoll_ctl", 3)]
    [DataRow("write", 2)]
    [DataRow("epoll_pwait,epoll_pwait2,epoll_wait", 1)]
    public void Terminate_WhileItStarts_LeavesNothingBehind(string call, int times)
    {
        _ = Folder.Write("poem.txt", Poem);
        for (int i = 1; i <= times; i++)
        {
            NativeBinary server = Start(new Launch("serve", "unix:poem.sock=poem.txt", "0=poem.txt")
            {
                Through = [.. _strace, "-e", $"trace={call}", "-e", $"inject={call}:signal=TERM:when={i}"],
            });
            Finished finished = server.WaitForExit();
            Assert.IsTrue(finished.ExitCode is 0 or 128 + Posix.SIGTERM, $"{call} {i}: exit code {finished.ExitCode}: {finished.Errors}");
            Assert.IsFalse(File.Exists(Folder["poem.sock"]), $"{call} {i}: the socket was left behind");
        }
    }

    /// <summary>A name takes its time: a signal ends that at once, and there is no socket yet that it could leave behind.</summary>
    [TestMethod]
    public void Terminate_WhileAHostIsLookedUp_LeavesNothingBehind()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch("serve", "unix:poem.sock=poem.txt", "localhost:0=poem.txt")
        {
            Through = [.. _strace, "-P", "/etc/hosts", "-e", "trace=openat", "-e", "inject=openat:delay_exit=20000000"],
        });
        bool IsLookingUp() => Array.Exists(
            Directory.GetDirectories($"/proc/{server.ProcessId}/task"),
            task => File.ReadAllText($"{task}/comm").StartsWith("resolver", StringComparison.Ordinal));
        Assert.IsTrue(SpinWait.SpinUntil(IsLookingUp, Patience.Milliseconds), "no look-up");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsFalse(File.Exists(Folder["poem.sock"]), "the socket was left behind");
    }

    private NativeBinary ServeTraced(byte[] poem, string injection, params string[] options)
    {
        _ = Folder.Write("poem.txt", poem);
        string call = injection["inject=".Length..injection.IndexOf(':', StringComparison.Ordinal)];
        return Serve(new Launch([.. options, "poem.txt"]) { Through = [.. _strace, "-e", $"trace={call}", "-e", injection] });
    }

    private static void AssertEndsWell(NativeBinary server)
    {
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.DoesNotContain("   at ", finished.Errors);
    }
}
