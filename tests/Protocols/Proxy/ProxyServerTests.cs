using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The protocol of the proxy's clients: what it logs, and what it costs.</summary>
[TestClass]
public sealed class ProxyServerTests
{
    [TestMethod]
    public void TheLog_TellsHowEachEnded()
    {
        using var world = new ProxyWorld();
        MemoryTransport first = world.FetchOnce("poem");
        first.PeerEnds();
        MemoryTransport second = world.Join(room: 1);
        second.PeerResets();
        world.Turn();
        world.Service.Clear();
        MemoryTransport third = world.Join();
        world.Upstreams.Last.Refuse();
        MemoryTransport fourth = world.Join();
        fourth.PeerEnds();
        world.Turn();
        Assert.AreEqual(WireEnd.Reset, third.End);
        string[] records = [.. from line in world.Log.Lines
                               let at = line.IndexOf("proxied", StringComparison.Ordinal)
                               where at >= 0
                               select line[at..]];
        Assert.HasCount(4, records);
        Assert.Contains("proxied 4 of 4 bytes of upstream to 127.0.0.1:40000 in 0 ms: whole", records);
        Assert.Contains("proxied 1 of 4 bytes of upstream to 127.0.0.1:40000 in 0 ms: left", records);
        Assert.Contains("proxied 0 bytes of upstream to 127.0.0.1:40000 in 0 ms: failed (connection refused)", records);
        Assert.Contains("proxied 0 bytes of upstream to 127.0.0.1:40000 in 0 ms: left", records);
    }

    /// <summary>A balancer's check of a port whose poem is kept: nothing at info, and a real client's lines stay.</summary>
    [TestMethod]
    public void AProbeOfAKeptPoem_IsLoggedAtDebug()
    {
        using var world = new ProxyWorld();
        world.FetchOnce("poem").PeerEnds();
        world.Turn();
        int before = world.Log.Entries.Length;
        world.Join(room: 0).PeerResets();
        world.Turn();
        LogEntry[] probe = world.Log.Entries[before..];
        Assert.HasCount(2, probe);
        Assert.IsTrue(Array.TrueForAll(probe, entry => entry.Level == LogLevel.Debug), string.Join('\n', probe.AsEnumerable()));
        world.Join().PeerEnds();
        world.Turn();
        LogEntry[] real = world.Log.Entries[(before + 2)..];
        Assert.HasCount(2, real);
        Assert.Contains("Using cached poem. (upstream)", real[0].Text);
        Assert.IsTrue(Array.TrueForAll(real, entry => entry.Level == LogLevel.Information), string.Join('\n', real.AsEnumerable()));
    }

    /// <summary>With the real log, at its default level: both lines that a delivery writes are made without memory of their own.</summary>
    [TestMethod]
    public void AKeptPoem_IsDelivered_WithoutAllocating()
    {
        using var log = new PoetryLogger(LogLevel.Information, LogFormat.Text, Swallow, TimeProvider.System);
        var clock = new ManualClock();
        var upstreams = new MemoryUpstreams(clock, new PoemRequest(TimeSpan.MaxValue, TimeSpan.MaxValue, PoemFormat.Plain));
        var service = new ProxyService(
            "upstream",
            upstreams.Fetch,
            clock,
            new ProxyOptions { Lifetime = TimeSpan.FromHours(2), ProbeDelay = TimeSpan.Zero },
            new ProxyCache(long.MaxValue),
            new PoemMemory(),
            log);
        var factory = new ProxyServerFactory(service, log);
        var transport = new MemoryTransport(factory: factory);
        transport.Open(factory.BuildProtocol(default)!);
        upstreams.Last.SendAll(new byte[600]);
        clock.Advance(0);
        Assert.IsTrue(transport.Finish());
        // Code of the framework that the JIT has not compiled anew yet allocates what the native binary does not.
        long allocated = -1;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(20) && allocated != 0;)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.AreEqual(600 * 1000, DeliverSome(factory, transport));
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.AreEqual(0, allocated, "bytes for 1,000 deliveries");
        service.Clear();
    }

    private static long DeliverSome(ProxyServerFactory factory, MemoryTransport transport)
    {
        long sent = 0;
        for (int i = 0; i < 1000; i++)
        {
            transport.Open(factory.BuildProtocol(default)!);
            _ = transport.Finish();
            sent += transport.BytesSent;
        }

        return sent;
    }

    private static Errno Swallow(ReadOnlySpan<byte> bytes, out int written)
    {
        written = bytes.Length;
        return Errno.None;
    }
}
