using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>The delay before a connection is probed for its client's close adapts to the misses.</summary>
[TestClass]
public sealed class CloseProbeDelayTests
{
    private readonly TimeoutList _probes;
    private readonly CloseProbeDelay _delay;

    public CloseProbeDelayTests()
    {
        _probes = new TimeoutList(new ManualClock(), null, CloseProbeDelay.MinDelay, TimeSpan.Zero, static _ => { });
        _delay = new CloseProbeDelay(_probes);
    }

    [TestMethod]
    public void Record_OnlyMisses_GrowsToTheMaximum()
    {
        Record(40, missed: true);
        Assert.AreEqual(CloseProbeDelay.MinDelay * 2, _probes.Timeout);
        Record(10_000, missed: true);
        Assert.AreEqual(CloseProbeDelay.MaxDelay, _probes.Timeout);
    }

    [TestMethod]
    public void Record_FewMisses_StaysAtTheMinimum()
    {
        for (int i = 0; i < 1000; i++)
        {
            Record(1, missed: true);
            Record(31, missed: false);
        }

        Assert.AreEqual(CloseProbeDelay.MinDelay, _probes.Timeout);
    }

    [TestMethod]
    public void Record_NoMoreMisses_ShrinksSlowlyToTheMinimum()
    {
        Record(10_000, missed: true);
        Record(600, missed: false);
        Assert.IsTrue(_probes.Timeout < CloseProbeDelay.MaxDelay && _probes.Timeout > CloseProbeDelay.MaxDelay / 2, "slowly");
        Record(100_000, missed: false);
        Assert.AreEqual(CloseProbeDelay.MinDelay, _probes.Timeout);
    }

    [TestMethod]
    public void UseMinimum_AfterMisses_ProbesSoonAgain()
    {
        Record(10_000, missed: true);
        _delay.UseMinimum();
        Assert.AreEqual(CloseProbeDelay.MinDelay, _probes.Timeout);
    }

    private void Record(int count, bool missed)
    {
        for (int i = 0; i < count; i++)
        {
            _delay.Record(missed);
        }
    }
}
