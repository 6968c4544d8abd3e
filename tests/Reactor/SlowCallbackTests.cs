using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Turns are told to the reactor with the moments at which they began and ended, so that no test has to be slow.</summary>
[TestClass]
public sealed class SlowCallbackTests : IDisposable
{
    private readonly CollectingLog _log = new();
    private readonly Reactor _reactor;

    public SlowCallbackTests()
    {
        _reactor = new Reactor(_log);
    }

    public void Dispose() => _reactor.Dispose();

    [TestMethod]
    public void TurnOfMoreThanASecond_IsWarnedOfWithItsTime()
    {
        Turn(at: 100, took: 0.1);
        Assert.IsEmpty(_log.Entries);
        Turn(at: 100, took: 5.2);
        LogEntry entry = _log.Entries.Single();
        Assert.AreEqual(LogLevel.Warning, entry.Level);
        StringAssert.StartsWith(entry.Text, "event loop blocked for 5.2 s");
    }

    [TestMethod]
    public void ManySlowTurns_AreOneLineInTenSeconds_AndCounted()
    {
        for (int i = 0; i < 5; i++)
        {
            Turn(at: 100 + i, took: 1.5);
        }

        Assert.HasCount(1, _log.Entries);
        Turn(at: 110, took: 1.5);
        Assert.HasCount(2, _log.Entries);
        StringAssert.Contains(_log.Entries[1].Text, "4 similar");
    }

    [TestMethod]
    public void ATurn_OfMoreThanATenthOfASecond_IsLoggedAtInfo()
    {
        Turn(at: 100, took: 0.09);
        Assert.IsEmpty(_log.Entries);
        Turn(at: 100, took: 0.3);
        Assert.AreEqual(LogLevel.Information, _log.Entries.Single().Level);
    }

    [TestMethod]
    public void TheSlowestCallback_IsNamed()
    {
        _reactor.SlowCallback = TimeSpan.FromTicks(1);
        _ = _reactor.CallLater(TimeSpan.Zero, new Blocker(), static blocker => blocker.Block());
        _reactor.CallFromThread(static () => { });
        _reactor.CallWhenRunning(() => _ = _reactor.CallLater(TimeSpan.FromMilliseconds(1), _reactor.Stop));
        _reactor.Run();
        StringAssert.Contains(_log.Entries[0].Text, $"by a delayed call of {nameof(Blocker)}");
    }

    [TestMethod]
    public void Threshold_IsWhatItIsSetTo_AndZeroMeansNever()
    {
        _reactor.SlowCallback = TimeSpan.Zero;
        Turn(at: 100, took: 1000);
        Assert.IsEmpty(_log.Entries);
        _reactor.SlowCallback = TimeSpan.FromMilliseconds(100);
        Turn(at: 2000, took: 0.2);
        StringAssert.StartsWith(_log.Entries.Single().Text, "event loop slow for 0.2 s");
    }

    /// <summary>Computes, which blocks the loop for much longer than anything else of its turn.</summary>
    private sealed class Blocker
    {
        private int _iterations = 1_000_000;

        public void Block() => System.Threading.Thread.SpinWait(_iterations--);
    }

    private void Turn(double at, double took) =>
        _reactor.CheckTurn(TimeSpan.FromSeconds(at).Ticks, TimeSpan.FromSeconds(at + took).Ticks);
}
