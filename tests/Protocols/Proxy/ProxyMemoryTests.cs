using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// The memory of all poems, also of those that only clients hold that do not read: one limit bounds it, and a poem that finds
/// no memory is passed through.
/// </summary>
[TestClass]
public sealed class ProxyMemoryTests
{
    private static readonly ProxyOptions Small = new()
    {
        Lifetime = TimeSpan.FromHours(2),
        WindowBytes = 64,
        NarrowWindowBytes = 16,
        ChunkBytes = 32,
    };

    [TestMethod]
    public void APoemThatIsRead_CountsAndIsNotDropped()
    {
        var cache = new ProxyCache(250);
        var clock = new ManualClock();
        using var first = new ProxyWorld(Small, cache, clock);
        using var second = new ProxyWorld(Small, cache, clock);
        MemoryTransport stalled = first.Join(room: 0);
        first.Deliver(Poem(200));
        ProxyWorld.AssertCached(first.Service);

        MemoryTransport client = second.Join();
        Send(second, Poem(150));
        second.Deliver(string.Empty);
        ProxyWorld.AssertGot(client, Poem(150));
        ProxyWorld.AssertCached(first.Service, "dropping it would free nothing");
        ProxyWorld.AssertEmpty(second.Service, "there was no room for this one");
        Assert.AreEqual(1, cache.Shortages);
        Assert.AreEqual(200, cache.HeldBytes);

        stalled.PeerResets();
        clock.Advance(TimeSpan.Zero);
        _ = second.FetchOnce(Poem(150));
        ProxyWorld.AssertEmpty(first.Service, "no client reads it any more");
        ProxyWorld.AssertCached(second.Service);
        Assert.AreEqual(150, cache.HeldBytes);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ClientsThatDoNotRead_PinNoMoreThanTheLimit(bool framed)
    {
        var cache = new ProxyCache(5000);
        PoemFormat format = framed ? PoemFormat.Netstring : PoemFormat.Plain;
        using var world = new ProxyWorld(Small with { Lifetime = TimeSpan.Zero, Format = format }, cache);
        string poem = framed ? $"2000:{Poem(2000)}," : Poem(2000);
        for (int i = 0; i < 20; i++)
        {
            _ = world.Join(room: 0);
            Send(world, poem);
            world.Upstreams.Last.Transport!.PeerEnds();
            world.Turn();
            Assert.IsLessThanOrEqualTo(5000 + 16 + 20 + (2 * 32), cache.HeldBytes);
        }

        Assert.HasCount(3, world.Upstreams.All, "the third passes, and all others wait for its slowest reader");
        Assert.AreEqual(1, cache.Shortages);
        world.Clients.ForEach(client => client.SetRoom(long.MaxValue));
        world.Turn();
        foreach (MemoryTransport client in world.Clients)
        {
            ProxyWorld.AssertGot(client, poem);
            client.PeerEnds();
        }

        world.Turn();
        Assert.AreEqual(0, cache.HeldBytes);
    }

    [TestMethod]
    public void APoemOfManyReaders_CountsOnce()
    {
        var cache = new ProxyCache(250);
        using var world = new ProxyWorld(Small, cache);
        _ = world.Join(room: 0);
        _ = world.Join(room: 10);
        world.Deliver(Poem(250));
        _ = world.Join(room: 20);
        world.Turn();
        Assert.AreEqual(250, cache.HeldBytes);
        Assert.AreEqual(0, cache.Shortages);
        ProxyWorld.AssertCached(world.Service);
    }

    [TestMethod]
    public void APoemWhoseTimeIsOver_CountsWhileItIsRead()
    {
        var cache = new ProxyCache(250);
        using var world = new ProxyWorld(Small, cache);
        MemoryTransport stalled = world.Join(room: 0);
        world.Deliver(Poem(200));
        world.Clock.Advance(TimeSpan.FromHours(3));
        ProxyWorld.AssertEmpty(world.Service);
        Assert.AreEqual(200, cache.HeldBytes);
        _ = world.FetchOnce(Poem(100));
        ProxyWorld.AssertEmpty(world.Service, "it only passed");
        stalled.PeerResets();
        world.Turn();
        Assert.AreEqual(0, cache.HeldBytes);
    }

    /// <summary>A chunk for all of a poem whose length is known is released once its part of it was taken, not when it is full.</summary>
    [TestMethod]
    public void WhatCameBeforeItBeganToPass_IsFreedOnceItWasTaken()
    {
        var cache = new ProxyCache(1000);
        var clock = new ManualClock();
        using var first = new ProxyWorld(Small with { Format = PoemFormat.Netstring }, cache, clock);
        using var second = new ProxyWorld(Small, cache, clock);
        MemoryTransport client = first.Join();
        string poem = $"900:{Poem(900)},";
        first.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[..400]));
        first.Turn();
        MemoryTransport stalled = second.Join(room: 0);
        second.Upstreams.Last.Send(Encoding.ASCII.GetBytes(Poem(590)));
        second.Turn();
        for (int sent = 400; sent < 900; sent += 20)
        {
            first.Upstreams.Last.Send(Encoding.ASCII.GetBytes(poem[sent..(sent + 20)]));
            first.Turn();
        }

        Assert.IsLessThan(590 + 100, cache.HeldBytes, "the first poem has a window, and nothing else");
        Assert.IsLessThan(200, first.Memory.BytesAlive);
        first.Upstreams.Last.SendAll(Encoding.ASCII.GetBytes(poem[900..]));
        first.Turn();
        ProxyWorld.AssertGot(client, poem);
        stalled.PeerResets();
        clock.Advance(TimeSpan.Zero);
    }

    /// <summary>The limit is not reached yet when the first bytes find no room: the parts are small nevertheless.</summary>
    [TestMethod]
    public void APoemWhoseFirstBytesFindNoRoom_IsFreedInSmallParts()
    {
        var cache = new ProxyCache(50);
        using var world = new ProxyWorld(Small with { WindowBytes = 512, NarrowWindowBytes = 128 }, cache);
        MemoryTransport slow = world.Join(room: 120);
        world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(Poem(150)));
        world.Turn();
        Assert.HasCount(120, slow.SentText);
        Assert.AreEqual(150 - (120 / 32 * 32), cache.HeldBytes);
        world.Upstreams.Last.Transport!.PeerEnds();
        slow.SetRoom(long.MaxValue);
        world.Turn();
        ProxyWorld.AssertGot(slow, Poem(150));
    }

    /// <summary>An upstream sends, a little at a time.</summary>
    private static void Send(ProxyWorld world, string text)
    {
        for (int sent = 0; sent < text.Length; sent += 20)
        {
            world.Upstreams.Last.Send(Encoding.ASCII.GetBytes(text[sent..Math.Min(sent + 20, text.Length)]));
            world.Turn();
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
