namespace Poetry.Tests.Protocols;

/// <summary>A small fleet of the table in docs/scale.md. <c>./build.sh scale</c> prints the table.</summary>
[TestClass]
public sealed class FleetGrowthTests
{
    [TestMethod]
    public void AFleet_FetchesEachPoemOnce_AndWithoutASharedCacheOnceAProxy()
    {
        const int Proxies = 20;
        FleetGrowth alone = FleetGrowth.Live(Proxies, isShared: false);
        FleetGrowth shared = FleetGrowth.Live(Proxies, isShared: true);
        Assert.AreEqual(Proxies * FleetGrowth.ClientsPerProxy, alone.Delivered);
        Assert.AreEqual(alone.Delivered, shared.Delivered);
        Assert.AreEqual(alone.AskedOfProxies, alone.Fetches);
        Assert.AreEqual(shared.Asked, shared.Fetches);
        Assert.AreEqual(alone.Fetches - shared.Fetches, shared.Hits, "each proxy needs each poem once");
        Assert.AreEqual(alone.Bytes, shared.Bytes + shared.HitBytes);
    }

    [TestMethod]
    public void Scale_PrintsARowForEachSize()
    {
        var output = new StringWriter();
        Assert.AreEqual(0, FleetGrowth.Run(["2", "3"], output));
        Assert.HasCount(4, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
