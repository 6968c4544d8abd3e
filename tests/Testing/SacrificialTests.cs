using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// Tests that do one thing wrong and are otherwise content: <see cref="TestGuardTests"/> runs them in a process of their own
/// and expects each to fail, except those whose name says that they are clean. No other run includes them.
/// </summary>
[TestClass]
[TestCategory(Category)]
public sealed class SacrificialTests
{
    public const string Category = "Sacrifice";

    /// <summary>How often each way to lose a failure is tried: what is found by luck is not found every time.</summary>
    private const int Repetitions = 10;

    /// <summary>Holds what the tests leave behind, so that no collection cleans up after them.</summary>
    private static readonly List<object> Kept = [];

    public static IEnumerable<object[]> Times => Enumerable.Range(1, Repetitions).Select(time => new object[] { time });

    [ClassCleanup]
    public static void EndProcesses() => Kept.OfType<Process>().ToList().ForEach(static process => process.Kill());

    [TestMethod]
    [DynamicData(nameof(Times))]
    public void LosesAFailure(int time) => Lose($"number {time}");

    [TestMethod]
    [Timeout(60_000)]
    [DynamicData(nameof(Times))]
    public void LosesAFailureUnderATimeout(int time) => Lose($"number {time}");

    [TestMethod]
    [DynamicData(nameof(Times))]
    public void LosesAFailureOfADeferredThatIsKept(int time) => Kept.Add(Deferred.Fail<int>(new InvalidOperationException($"{time}")));

    [TestMethod]
    [DynamicData(nameof(Times))]
    public void LosesAFailureOnAThreadOfItsOwn(int time)
    {
        var thread = new Thread(() => Lose($"number {time}")) { Name = "loser" };
        thread.Start();
        thread.Join();
    }

    [TestMethod]
    [DynamicData(nameof(Times))]
    public async Task LosesAFailureAfterAwaiting(int time)
    {
        await Task.Yield();
        Lose($"number {time}");
    }

    [TestMethod]
    public void LosesAFailureInAReactor()
    {
        using var loop = new TurnedReactor("select");
        loop.Reactor.CallWhenRunning(() =>
        {
            Lose("in a reactor");
            loop.Reactor.Stop();
        });
        loop.Reactor.Run();
    }

    [TestMethod]
    public void LeavesADelayedCallOnAClock() => _ = new ManualClock().CallLater(TimeSpan.FromSeconds(1), static () => { });

    [TestMethod]
    public void LeavesADelayedCallOnAReactor()
    {
        using var loop = new TurnedReactor("select");
        _ = loop.Reactor.CallLater(TimeSpan.FromHours(1), static () => { });
    }

    [TestMethod]
    public void LeavesADescriptor() => Kept.Add(File.OpenRead(Path.Combine(Repository.Root, "poetry.csproj")));

    [TestMethod]
    public void LeavesAListeningPort()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Kept.Add(listener);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
    }

    [TestMethod]
    public void LeavesAReactor() => Kept.Add(new Reactor(new CollectingLog()));

    [TestMethod]
    public void LeavesAThread()
    {
        var never = new ManualResetEvent(false);
        new Thread(() => never.WaitOne()) { IsBackground = true, Name = "left behind" }.Start();
    }

    [TestMethod]
    public void LeavesAProcess() => Kept.Add(Process.Start("/bin/sleep", "60"));

    [TestMethod]
    public void BreaksAnAssertion() => Debug.Assert(Kept is null, "of the product");

    [TestMethod]
    public void IsClean_HavingCleanedUp()
    {
        var clock = new ManualClock();
        clock.CallLater(TimeSpan.FromSeconds(1), static () => { }).Cancel();
        using var loop = new TurnedReactor("select");
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, new ScriptedFactory());
        port.StopListening();
        var thread = new Thread(static () => { }) { Name = "short" };
        thread.Start();
        Lose("taken");
        _ = LostFailures.Take();
        Deferred<int> handled = Deferred.Fail<int>(new InvalidOperationException("handled"));
        _ = handled.AddErrback(static _ => 0);
    }

    /// <summary>Out of line, so that no local keeps the deferred.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Lose(string what) => _ = Deferred.Fail<int>(new InvalidOperationException(what));
}
