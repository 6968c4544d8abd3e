using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>Poems that are too long to be kept, caches that are too small, and clients that do not read.</summary>
[TestClass]
public sealed class ProxyLimitTests
{
    private static readonly ProxyOptions Small = new()
    {
        Lifetime = TimeSpan.FromHours(2),
        MaxPoemBytes = 1000,
        WindowBytes = 256,
        ChunkBytes = 64,
    };

    [TestMethod]
    [DataRow(999, true)]
    [DataRow(1000, true)]
    [DataRow(1001, false)]
    public void APoem_UpToTheLimit_IsKept(int length, bool isKept)
    {
        using var world = new ProxyWorld(Small);
        _ = world.FetchOnce(Poem(length));
        Assert.AreEqual(isKept, world.Service.CachedBytes > 0);
    }

    [TestMethod]
    [DataRow(1000, true)]
    [DataRow(1001, false)]
    public void Framed_TheLimitIsOfThePoem(int length, bool isKept)
    {
        using var world = new ProxyWorld(Small with { Format = PoemFormat.Netstring });
        _ = world.FetchOnce($"{length}:{Poem(length)},");
        Assert.AreEqual(isKept, world.Service.CachedBytes > 0);
    }

    /// <summary>The frame and the poem fill the chunks, and there is no memory for one more, which has only the comma.</summary>
    [TestMethod]
    public void ALongPoem_WhoseCommaFindsNoMemory_IsReset()
    {
        using var world = new ProxyWorld(Small with { Format = PoemFormat.Netstring });
        world.Memory.MaxBytes = 1024;
        MemoryTransport client = world.Join();
        world.Deliver($"1019:{Poem(1019)},");
        ProxyWorld.AssertReset(client);
        Assert.AreEqual((1L, 0L), (world.Service.Failures, world.Service.FetchesInFlight));
        world.Log.AssertHas("Warning", "out of memory after 1019 bytes");
    }

    [TestMethod]
    public void ALongPoem_PassesWithABoundedBuffer()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport client = world.Join();
        string poem = Poem(100_000);
        for (int sent = 0; sent < poem.Length; sent += 500)
        {
            world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[sent..(sent + 500)]));
            world.Turn();
            Assert.IsLessThan(4096, world.Memory.BytesAlive);
        }

        world.Deliver(string.Empty);
        ProxyWorld.AssertGot(client, poem);
    }

    [TestMethod]
    public void ALongPoem_IsPacedByItsSlowestReader()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport fast = world.Join();
        MemoryTransport slow = world.Join(room: 0);
        string poem = Poem(5000);
        for (int sent = 0; sent < 5000; sent += 100)
        {
            world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[sent..(sent + 100)]));
            world.Turn();
        }

        MemoryTransport upstream = world.Upstreams.Last.Transport!;
        Assert.IsTrue(upstream.IsPaused, "the upstream has to wait");
        Assert.AreEqual(1100, upstream.BytesRead, "what was there when the poem became too long, and no more");
        Assert.AreEqual(1100, fast.Sent.Length);

        world.Clock.Advance(ProxyWorld.UpstreamTimeout * 2);
        Assert.IsTrue(world.Upstreams.Last.IsLive, "it is not the upstream that is silent");

        slow.SetRoom(long.MaxValue);
        world.Turn();
        Assert.IsFalse(upstream.IsPaused);
        world.Deliver(string.Empty);
        ProxyWorld.AssertGot(fast, poem);
        ProxyWorld.AssertGot(slow, poem);
    }

    [TestMethod]
    public void ALongPoem_WhoseSlowestReaderIsGone_GoesOn()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport fast = world.Join();
        MemoryTransport slow = world.Join(room: 0);
        string poem = Poem(5000);
        world.Upstreams.Last.SendAll(Encoding.ASCII.GetBytes(poem[..2000]));
        world.Turn();
        slow.TimeOutSending();
        world.Turn();
        ProxyWorld.AssertReset(slow);
        ProxyWorld.AssertGot(fast, poem[..2000]);
    }

    [TestMethod]
    public void ALongPoem_WhoseUpstreamFailsWhileItWaits_IsReset()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport slow = world.Join(room: 10);
        world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(Poem(2000)));
        world.Turn();
        Assert.IsTrue(world.Upstreams.Last.Transport!.IsPaused);
        world.Upstreams.Last.Transport.PeerResets();
        world.Turn();
        ProxyWorld.AssertReset(slow, Poem(10));
    }

    [TestMethod]
    public void ALatecomer_AfterTheBufferHasMovedOn_CausesAFetchOfItsOwn()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport first = world.Join();
        string poem = Poem(3000);
        world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[..900]));
        world.Turn();
        MemoryTransport second = world.Join();
        Assert.HasCount(1, world.Upstreams.All, "all of it is still there");
        world.Turn();
        world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[900..2000]));
        world.Turn();
        MemoryTransport late = world.Join();
        MemoryTransport later = world.Join();
        Assert.HasCount(2, world.Upstreams.All);
        world.Upstreams.All[0].SendAll(Encoding.ASCII.GetBytes(poem[2000..]));
        world.Deliver(poem);
        ProxyWorld.AssertGot(first, poem);
        ProxyWorld.AssertGot(second, poem);
        ProxyWorld.AssertGot(late, poem);
        ProxyWorld.AssertGot(later, poem);
    }

    [TestMethod]
    public void AClientThatJoinsFromWithinAVisit_GetsAllOfIt()
    {
        var clock = new ManualClock();
        using var memory = new GuardedMemory();
        IPoemReceiver? receiver = null;
        var fetching = new Deferred<long>();
        ProxyOptions options = Small with { MaxPoemBytes = 10, ChunkBytes = 4 };
        var service = new ProxyService(
            "upstream",
            asked =>
            {
                receiver = asked;
                return fetching;
            },
            clock,
            options,
            new ProxyCache(long.MaxValue),
            memory,
            new CollectingLog());
        var second = new CountingReader(() => { });
        ProxyDelivery? late = null;
        ProxyDelivery early = service.Join(new CountingReader(() => late ??= service.Join(second)));
        _ = receiver!.Received(new byte[20]);
        clock.Advance(0);
        Assert.AreEqual(20, second.BytesTaken);
        fetching.Callback(20);
        clock.Advance(0);
        early.End();
        late!.End();
        Assert.AreEqual(0, memory.BytesAlive);
    }

    [TestMethod]
    public void AClientThatDoesNotRead_DelaysNoOther()
    {
        using var world = new ProxyWorld(Small);
        MemoryTransport stopped = world.Join(room: 0);
        MemoryTransport reading = world.Join();
        string poem = Poem(1000);
        world.Deliver(poem);
        ProxyWorld.AssertGot(reading, poem);
        Assert.AreEqual(WireEnd.None, stopped.End);
        ProxyWorld.AssertGot(world.Join(), poem);
        stopped.TimeOutSending();
        world.Turn();
        ProxyWorld.AssertReset(stopped);
    }

    [TestMethod]
    public void TheCache_DropsWhatWasNotUsedForLongest()
    {
        var cache = new ProxyCache(250);
        var clock = new ManualClock();
        using var first = new ProxyWorld(Small, cache, clock);
        using var second = new ProxyWorld(Small, cache, clock);
        using var third = new ProxyWorld(Small, cache, clock);
        _ = first.FetchOnce(Poem(100));
        _ = second.FetchOnce(Poem(100));
        Assert.AreEqual(200, KeptBytes(first, second, third));
        ProxyWorld.AssertGot(first.Join(), Poem(100));
        _ = third.FetchOnce(Poem(100));
        ProxyWorld.AssertCached(first.Service, "it was used last");
        ProxyWorld.AssertEmpty(second.Service);
        ProxyWorld.AssertCached(third.Service);
        Assert.AreEqual(200, KeptBytes(first, second, third));
        Assert.AreEqual(1, cache.Evictions);
    }

    [TestMethod]
    [DataRow(250, true)]
    [DataRow(251, false)]
    public void TheCache_KeepsAPoemThatFillsIt(int length, bool isKept)
    {
        var cache = new ProxyCache(250);
        using var world = new ProxyWorld(Small, cache);
        _ = world.FetchOnce(Poem(length));
        Assert.AreEqual(isKept ? length : 0, world.Service.CachedBytes);
    }

    [TestMethod]
    [DataRow(350, 0)]
    [DataRow(349, 1, DisplayName = "no room for both")]
    public void ANewPoem_TakesThePlaceOfTheOld(int maxBytes, int evictions)
    {
        var cache = new ProxyCache(maxBytes);
        using var world = new ProxyWorld(Small with { StaleIfError = TimeSpan.FromHours(9) }, cache);
        _ = world.FetchOnce(Poem(200));
        world.Clock.Advance(TimeSpan.FromHours(3));
        _ = world.FetchOnce(Poem(150));
        Assert.AreEqual(150, world.Service.CachedBytes);
        Assert.AreEqual(evictions, cache.Evictions);
    }

    private static long KeptBytes(params ProxyWorld[] worlds) => worlds.Sum(world => world.Service.CachedBytes);

    private sealed class CountingReader(Action written) : IPoemReader
    {
        public long BytesTaken { get; private set; }

        public void Write(ReadOnlyMemory<byte> bytes, bool last)
        {
            BytesTaken += bytes.Length;
            written();
        }

        public void Ended(Failure? failure)
        {
        }
    }

    private static string Poem(int length)
    {
        var poem = new StringBuilder();
        for (int line = 0; poem.Length < length; line++)
        {
            _ = poem.Append(line).Append(". ");
        }

        return poem.ToString(0, length);
    }
}
