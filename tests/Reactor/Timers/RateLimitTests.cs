using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class RateLimitTests
{
    [TestMethod]
    public void TryPass_WithinTheInterval_IsCountedAndToldLater()
    {
        var limit = new RateLimit(TimeSpan.FromSeconds(10));
        Assert.IsTrue(limit.TryPass(TimeSpan.Zero, out long suppressed));
        Assert.AreEqual(0, suppressed);
        Assert.IsFalse(limit.TryPass(TimeSpan.Zero, out _));
        Assert.IsFalse(limit.TryPass(TimeSpan.FromTicks(TimeSpan.TicksPerSecond * 10 - 1), out _));
        Assert.IsTrue(limit.TryPass(TimeSpan.FromSeconds(10), out suppressed));
        Assert.AreEqual(2, suppressed);
        Assert.IsTrue(limit.TryPass(TimeSpan.FromSeconds(20), out suppressed));
        Assert.AreEqual(0, suppressed);
    }

    [TestMethod]
    public void TryPass_AtTheEndOfTime_DoesNotOverflow()
    {
        var limit = new RateLimit(TimeSpan.FromSeconds(1));
        Assert.IsTrue(limit.TryPass(TimeSpan.MaxValue - TimeSpan.FromTicks(1), out _));
        Assert.IsFalse(limit.TryPass(TimeSpan.MaxValue - TimeSpan.FromTicks(1), out _));
    }
}
