using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>A wall clock that jumps, and a process that is stopped for a while.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class ClockTests : NativeTests
{
    /// <summary>The wall clock is thirty days ahead while a file exists.</summary>
    private const string Shim = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t id, struct timespec *time) {
          int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
          int result = real(id, time);
          if ((id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && access(getenv("JUMPED"), F_OK) == 0)
            time->tv_sec += 30 * 86400;
          return result;
        }
        """;

    private static readonly TimeSpan Longer = TimeSpan.FromMilliseconds(600);

    /// <summary>Only the time in the log follows the wall clock; what a proxy keeps is as old as it is.</summary>
    [TestMethod]
    public void AWallClockThatJumps_ExpiresNothing()
    {
        string compiler = Posix.FindTool("cc") ?? Posix.FindTool("gcc") ?? Posix.Tool("clang");
        _ = Folder.Write("clock.c", Shim);
        Finished built = ToolRun.Run(Folder.Path, compiler, "-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl");
        Assert.AreEqual(0, built.ExitCode, built.Errors);
        int fetches = 0;
        using var upstream = new FaultServer((client, number) =>
        {
            fetches = number;
            _ = client.Send(Poem);
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Start(new Launch("proxy", "--ttl", "2h", $"{upstream.Port}")
        {
            Environment = new() { ["LD_PRELOAD"] = Folder["clock.so"], ["JUMPED"] = Folder["jumped"] },
        });
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        string jumped = Folder.Write("jumped", "");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Errors.WaitForText("#2 proxied");
        File.Delete(jumped);
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        Assert.AreEqual(1, fetches);
        proxy.SignalUntilItEnds(Posix.SIGTERM);
        string[] lines = proxy.WaitForExit().ErrorLines;
        DateTime ahead = DateTime.UtcNow.AddDays(29);
        int jumpedLines = lines.Count(line => DateTime.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture).ToUniversalTime() > ahead);
        Assert.IsTrue(jumpedLines > 0 && jumpedLines < lines.Length, string.Join('\n', lines));
    }

    /// <summary>As by Ctrl-Z: what has arrived meanwhile is read before the time-out is looked at.</summary>
    [TestMethod]
    public void Get_StoppedForLongerThanItsTimeout_GoesOn()
    {
        _ = Folder.Write("poem.txt", MakePoem(100));
        NativeBinary server = Start(new Launch("slow-serve", "--delay", "0.1", "poem.txt"));
        NativeBinary get = Start(new Launch("get", "--timeout", "0.4", "--progress", "lines", $"{server.Port()}"));
        get.Errors.WaitForText("got 10 bytes");
        get.Signal(Posix.SIGSTOP);
        server.Errors.WaitForText("whole");
        get.Signal(Posix.SIGCONT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(MakePoem(100));
    }

    /// <summary>The deadline of a request that has come in time is not held against it.</summary>
    [TestMethod]
    public void Transform_StoppedForLongerThanItsTimeout_AnswersWhatHasCome()
    {
        NativeBinary server = Start(new Launch("transform", "--timeout", "0.3"));
        using Socket client = Wire.Connect(server.Port());
        _ = client.Send("7:sho"u8);
        server.Signal(Posix.SIGSTOP);
        _ = client.Send("ut.a,"u8);
        WaitLonger();
        server.Signal(Posix.SIGCONT);
        Wire.ReadToEnd(client).AssertIs("1:A,"u8);
    }

    /// <summary>The kernel's clock is the event that is waited for: the time-outs of the process run on it.</summary>
    private static void WaitLonger()
    {
        long began = Stopwatch.GetTimestamp();
        _ = SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(began) > Longer, Patience.Milliseconds);
    }
}
