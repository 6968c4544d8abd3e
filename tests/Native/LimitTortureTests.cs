using System.Diagnostics;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// Aim: whatever a machine is short of, a command keeps its promises. Method: each command is run with each of many limits of
/// memory, address space, descriptors and threads, and with clients that ask for more than there is. After each run: it ended
/// by no signal, a refusal was one line, every client had all of it or a reset, and the next client was served.
/// </summary>
/// <remarks>POETRY_TORTURE=full tries every limit; otherwise some are drawn, by the seed, for a few seconds.</remarks>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
[DoNotParallelize]
public sealed partial class LimitTortureTests : NativeTests
{
    private const int Mebibyte = 1024 * 1024;

    /// <summary>Of prlimit(1), which has it for users without rights; dash has no <c>ulimit -u</c>.</summary>
    private const string ThreadLimit = "--nproc=";

    /// <summary>For each command and kind of limit, in the ordinary test run: a run is begun within it.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(1);

    private static readonly int[] GroupMebibytes = [32, 48, 64, 96, 128, 192, 256, 512];

    /// <summary>In the ordinary test run: a run in a larger group takes longer, and those that failed did so in these too.</summary>
    private static readonly int[] SmallestGroupMebibytes = [48, 64];

    /// <summary>
    /// In the words of a shell, or of prlimit(1). The threads are those of a user without other processes.
    /// </summary>
    private static readonly string[] SmallLimits =
    [
        .. new[] { 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 24, 32, 64 }.Select(count => $"ulimit -n {count};"),
        .. new[] { 1, 2, 3, 4, 5, 8 }.Select(count => $"{ThreadLimit}{count}"),
        .. new[]
            {
                40_000, 44_000, 49_152, 51_200, 53_248, 57_344, 61_440, 65_536, 71_680, 81_920, 98_304, 131_072, 200_000, 262_144,
                400_000, 1_048_576,
            }
            .Select(kibibytes => $"ulimit -v {kibibytes};"),
    ];

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [Timeout(3_600_000)]
    [DataRow("serve")]
    [DataRow("slow-serve")]
    [DataRow("transform")]
    [DataRow("proxy")]
    [DataRow("proxy --transform")]
    [DataRow("get")]
    [DataRow("get --transform")]
    public void AnyMemoryGroup_BreaksNoPromise(string command) => ForEach(IsFull ? GroupMebibytes : SmallestGroupMebibytes, mebibytes =>
    {
        using ControlGroup group = ControlGroup.OfMemory((long)mebibytes * Mebibyte);
        long bytes = (long)mebibytes * Mebibyte;
        RunOnce(command, new Limited(group.Join, [], (int)(bytes / 3), bytes * 2, manyClients: true));
    });

    [TestMethod]
    [Timeout(3_600_000)]
    [DataRow("serve")]
    [DataRow("slow-serve")]
    [DataRow("transform")]
    [DataRow("proxy")]
    [DataRow("get")]
    [DataRow("get --transform")]
    public void AnySmallLimit_BreaksNoPromise(string command) => ForEach(SmallLimits, limit =>
    {
        bool isOfThreads = limit.StartsWith(ThreadLimit, StringComparison.Ordinal);
        string[] asAnother = isOfThreads
            ? [Posix.Tool("setpriv"), "--reuid=61234", "--regid=61234", "--clear-groups", Posix.Tool("prlimit"), limit]
            : [];
        RunOnce(command, new Limited(isOfThreads ? ":;" : limit, asAnother, 4 * Mebibyte, 64 * Mebibyte, manyClients: false));
    });

    private void ForEach<TLimit>(TLimit[] limits, Action<TLimit> run)
    {
        Random random = Seed.Start(TestContext);
        string wanted = Environment.GetEnvironmentVariable("POETRY_TORTURE") ?? string.Empty;
        TLimit[] chosen = [.. limits];
        if (wanted.Length == 0)
        {
            random.Shuffle(chosen);
        }
        else if (wanted != "full")
        {
            chosen = [.. chosen.Where(limit => $"{limit}" == wanted)];
        }

        var broken = new List<string>();
        int runs = 0;
        for (long began = Stopwatch.GetTimestamp();
            runs < chosen.Length && (wanted.Length > 0 || Stopwatch.GetElapsedTime(began) < Budget);
            runs++)
        {
            try
            {
                run(chosen[runs]);
            }
            catch (Exception exception) when (exception is AssertFailedException or SocketException)
            {
                broken.Add($"with {chosen[runs]}: {exception.Message}");
            }
        }

        TestContext.WriteLine($"{runs} of {limits.Length} limits");
        Assert.IsEmpty(broken, string.Join('\n', broken));
    }

    private void RunServer(Limited limited, string[] arguments, Func<int, Delivery> next, byte[] whole, Action<NativeBinary> load)
    {
        using NativeBinary server = NativeBinary.Start(limited.Launch(Folder.Path, [.. arguments, "--log-level", "warn", "--drain", "2"]));
        if (!server.Output.WaitForLinesOrEnd(1, static () => false))
        {
            AssertRefused(server.WaitForExit());
            return;
        }

        load(server);
        bool isServed = SpinWait.SpinUntil(() => server.HasExited || IsWhole(Try(() => next(server.Port())), whole), Patience.Milliseconds / 3);
        Assert.IsFalse(server.HasExited, $"it has ended: {server.Errors.Text}");
        Assert.IsTrue(isServed, $"the next client is not served; it says:\n{server.Errors.Text}");
        server.SignalUntilItEnds(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        AssertNoException(finished);
    }

    private static void AssertRefused(Finished finished)
    {
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith("poetry", finished.Errors);
        AssertNoException(finished);
    }

    private static void AssertNoException(Finished finished)
    {
        Assert.DoesNotContain("   at ", finished.Errors, "a stack trace");
        Assert.DoesNotContain("Exception", finished.Errors);
        Assert.DoesNotContain("internal error", finished.Errors);
    }

    /// <summary>A clean end says that all is there; a reset may come at any place.</summary>
    /// <param name="delivery">Null for a client that could not connect.</param>
    /// <param name="whole">The poem.</param>
    /// <returns>True if all is there.</returns>
    private static bool IsWhole(Delivery? delivery, byte[] whole)
    {
        if (delivery is not { } got)
        {
            return false;
        }

        Assert.IsTrue(whole.AsSpan().StartsWith(got.Bytes), $"other bytes from {whole.AsSpan().CommonPrefixLength(got.Bytes)} on");
        Assert.IsTrue(got.WasReset || got.Bytes.Length == whole.Length, $"a clean end after {got.Bytes.Length} of {whole.Length} bytes");
        return got.Bytes.Length == whole.Length && !got.WasReset;
    }

    /// <summary>Null if it can't connect.</summary>
    private static Delivery? Try(Func<Delivery> talk)
    {
        try
        {
            return talk();
        }
        catch (SocketException exception) when (exception.SocketErrorCode
            is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted)
        {
            return null;
        }
    }

    /// <summary>Runs it on that many threads; fails with the first failure of one.</summary>
    private static void AtOnce(int count, Action<int> talk)
    {
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(number => new Thread(() =>
        {
            try
            {
                talk(number);
            }
            catch (Exception exception) when (exception is AssertFailedException or SocketException)
            {
                failure = exception;
            }
        }) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.IsNull(failure, $"{failure}");
    }

    /// <summary>A limit, and what is asked for under it.</summary>
    /// <param name="before">What a shell does first.</param>
    /// <param name="through">The command that runs the program.</param>
    /// <param name="longBytes">Length of a poem that has room.</param>
    /// <param name="tooLongBytes">Length of one that has none.</param>
    /// <param name="manyClients">True for thousands of clients in place of a few.</param>
    private sealed class Limited(string before, string[] through, int longBytes, long tooLongBytes, bool manyClients)
    {
        /// <summary>The test compares every byte of it several times.</summary>
        private const int MaxLongBytes = 24 * Mebibyte;

        public int LongBytes => Math.Min(longBytes, MaxLongBytes);

        public long TooLongBytes => tooLongBytes;

        public bool ManyClients => manyClients;

        public Launch Launch(string folder, string[] arguments) =>
            new(arguments) { Folder = folder, Before = before, Through = through };
    }
}
