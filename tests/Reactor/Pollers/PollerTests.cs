using System.Diagnostics;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// The contract of <see cref="Poller"/>, written once and run on every backend. One that can't run on this machine is
/// reported as inconclusive. kqueue runs everywhere over an emulation of its two functions, so that our half of it is
/// tested where there is no BSD.
/// </summary>
[TestClass]
public sealed partial class PollerTests
{
    private const ulong Token = 0x1234_5678_9ABC_DEF0;

    private const Interest Both = Interest.Read | Interest.Write;

    /// <summary>An event that is due comes long before this; one that never comes fails the test.</summary>
    private const int AgesMs = 60_000;

    private readonly ReadyEvent[] _ready = new ReadyEvent[64];
    private Poller? _poller;

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestCleanup]
    public void DisposePoller() => _poller?.Dispose();

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_WithNothingWatched_EndsWithItsTimeout(string backend)
    {
        Poller poller = Open(backend);
        long started = Stopwatch.GetTimestamp();
        Assert.AreEqual(0, poller.Wait(_ready, 30));
        Assert.IsGreaterThanOrEqualTo(30, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_WithNothingReady_NeverEndsEarly(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        for (int timeoutMs = 0; timeoutMs < 8; timeoutMs++)
        {
            long started = Stopwatch.GetTimestamp();
            Assert.AreEqual(0, poller.Wait(_ready, timeoutMs));
            Assert.IsGreaterThanOrEqualTo(timeoutMs, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_InputThere_ReportsItUntilItIsRead(string backend)
    {
        _ = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        Send(pair.Client);
        Assert.AreEqual(Readiness.Read, WaitForOne());
        Assert.AreEqual(Readiness.Read, WaitForOne());
        Assert.AreEqual(Errno.None, NativeSocket.Receive(pair.Server, new byte[8], out _));
        AssertNothing();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_WithoutEnd_ReturnsWhenSomethingIsReady(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.Unix);
        Add(pair.Server, Token, Interest.Read);
        Send(pair.Client);
        Assert.AreEqual(1, poller.Wait(_ready, -1));
        Assert.AreEqual(Token, _ready[0].Token);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_ConnectionWaits_IsInputOfTheListener(string backend)
    {
        _ = Open(backend);
        using var listener = new TestListener(AddressKind.IPv4);
        Add(listener.Handle, Token, Interest.Read);
        AssertNothing();
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint client));
        _ = NativeSocket.Connect(client, listener.Address);
        Assert.AreEqual(Readiness.Read, WaitForOne());
        _ = NativeSocket.Close(client);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_RoomForOutput_IsReportedOnlyToWhoAsks(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        AssertNothing();
        Assert.AreEqual(Errno.None, poller.Change(pair.Server, Token, Interest.Read, Interest.Write));
        Assert.AreEqual(Readiness.Write, WaitForOne());
        Fill(pair.Server);
        AssertNothing();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_BothDirectionsReady_IsOneEvent(string backend)
    {
        Poller poller = Open(backend);
        using var first = new SocketPair(AddressKind.IPv4);
        using var second = new SocketPair(AddressKind.IPv4);
        Add(first.Server, 1, Both);
        Add(second.Server, 2, Both);
        Send(first.Client);
        Send(second.Client);
        SocketPair.WaitFor(first.Server, Interest.Read);
        SocketPair.WaitFor(second.Server, Interest.Read);
        Assert.AreEqual(2, poller.Wait(_ready, AgesMs));
        CollectionAssert.AreEquivalent(new ulong[] { 1, 2 }, Tokens(2));
        Assert.AreEqual(Readiness.Read | Readiness.Write, _ready[0].Readiness);
        Assert.AreEqual(Readiness.Read | Readiness.Write, _ready[1].Readiness);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Change_ThroughEveryInterest_ReportsJustThat(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Send(pair.Client);
        SocketPair.WaitFor(pair.Server, Interest.Read);
        Interest before = Interest.None;
        Add(pair.Server, Token, before);
        Interest[] interests =
        [
            Interest.Read, Interest.Write, Interest.Read, Both, Interest.Write, Interest.None,
            Both, Interest.Read, Interest.None, Interest.Write, Both, Interest.None,
        ];
        foreach (Interest interest in interests)
        {
            Assert.AreEqual(Errno.None, poller.Change(pair.Server, Token, before, interest));
            if (interest == Interest.None)
            {
                AssertNothing();
            }
            else
            {
                Assert.AreEqual((Readiness)interest, WaitForOne());
            }

            before = interest;
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Remove_WhatIsReady_IsNeverReportedAgain(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Both);
        Send(pair.Client);
        SocketPair.WaitFor(pair.Server, Interest.Read);
        _ = WaitForOne();
        poller.Remove(pair.Server, Both);
        AssertNothing();
        Add(pair.Server, 7, Interest.Read);
        Assert.AreEqual(1, poller.Wait(_ready, AgesMs));
        Assert.AreEqual(7UL, _ready[0].Token);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Add_ADescriptorUsedAgain_ReportsTheNewTokenOnly(string backend)
    {
        Poller poller = Open(backend);
        nint reused;
        using (var old = new SocketPair(AddressKind.IPv4))
        {
            reused = old.Server;
            Add(old.Server, 1, Interest.Read);
            Send(old.Client);
            _ = poller.Wait(_ready, AgesMs);
            poller.Remove(old.Server, Interest.Read);
        }

        // Unix gives out the lowest free descriptor, so that one of these has the old one's number.
        using var first = new SocketPair(AddressKind.IPv4);
        using var second = new SocketPair(AddressKind.IPv4);
        ulong token = 2;
        nint[] handles = [first.Client, first.Server, second.Client, second.Server];
        foreach (nint handle in handles)
        {
            Add(handle, token++, Interest.Read);
        }

        AssertNothing();
        Send(first.Client);
        Assert.AreEqual(1, poller.Wait(_ready, AgesMs));
        Assert.AreEqual(3UL, _ready[0].Token);
        Assert.IsTrue(OperatingSystem.IsWindows() || handles.Contains(reused));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_BatchSmallerThanWhatIsReady_ComesToEverybody(string backend)
    {
        Poller poller = Open(backend);
        const int Count = 20;
        using var pairs = new Pairs(Count);
        for (int i = 0; i < Count; i++)
        {
            Add(pairs[i].Server, (ulong)i, Interest.Read);
            Send(pairs[i].Client);
            SocketPair.WaitFor(pairs[i].Server, Interest.Read);
        }

        // Nothing is read, so all stay ready: the last ones must be reported nevertheless.
        var seen = new HashSet<ulong>();
        for (int round = 0; round < Count; round++)
        {
            int count = poller.Wait(_ready.AsSpan(0, 3), AgesMs);
            Assert.IsTrue(count is > 0 and <= 3, $"{count} events for a batch of 3");
            seen.UnionWith(Tokens(count));
        }

        Assert.HasCount(Count, seen);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_ManyDescriptors_FindsTheOneThatIsReady(string backend)
    {
        // More than FD_SETSIZE, which is 1024: two descriptors a pair.
        Poller poller = Open(backend);
        const int Count = 700;
        using var pairs = new Pairs(Count);
        for (int i = 0; i < Count; i++)
        {
            Add(pairs[i].Server, (ulong)i, Interest.Read);
            Add(pairs[i].Client, (ulong)(i + Count), Interest.Read);
        }

        AssertNothing();
        foreach (int i in new[] { Count - 1, 0, Count / 2 })
        {
            Send(pairs[i].Client);
            Assert.AreEqual(1, poller.Wait(_ready, AgesMs));
            Assert.AreEqual((ulong)i, _ready[0].Token);
            Assert.AreEqual(Errno.None, NativeSocket.Receive(pairs[i].Server, new byte[8], out _));
        }

        for (int i = 0; i < Count; i++)
        {
            Send(pairs[i].Client);
            poller.Remove(pairs[i].Server, Interest.Read);
            poller.Remove(pairs[i].Client, Interest.Read);
        }

        AssertNothing();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Add_WhatIsNotOpen_IsRefused(string backend)
    {
        Poller poller = Open(backend);
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint handle));
        Assert.AreEqual(Errno.None, NativeSocket.Close(handle));
        Errno error = poller.Add(handle, Token, Interest.Read);
        Assert.IsTrue(error is Errno.EBADF or Errno.ENOTSOCK, error.Sentence());
        AssertNothing();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_InSteadyState_AllocatesNothing(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        Send(pair.Client);
        long before = 0;
        for (int round = 0; round < 20; round++)
        {
            if (round == 10)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            _ = poller.Wait(_ready, AgesMs);
            _ = poller.Change(pair.Server, Token, Interest.Read, Both);
            _ = poller.Wait(_ready, AgesMs);
            _ = poller.Change(pair.Server, Token, Both, Interest.Read);
        }

        if (backend != Backends.Emulated)
        {
            Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Name_IsTheOneThatAsksForIt(string backend)
    {
        Poller poller = Open(backend);
        Assert.AreEqual(backend.Split(' ')[0], poller.Name);
        poller.Dispose();
        poller.Dispose();
    }

    private static void Send(nint handle) =>
        Assert.AreEqual(Errno.None, NativeSocket.Send(handle, "verse"u8, more: false, out _));

    private static void Fill(nint handle)
    {
        byte[] flood = new byte[1 << 16];
        while (NativeSocket.Send(handle, flood, more: false, out _) == Errno.None)
        {
        }
    }

    private Poller Open(string backend) => _poller = Backends.Open(backend);

    private void Add(nint handle, ulong token, Interest interest) =>
        Assert.AreEqual(Errno.None, _poller!.Add(handle, token, interest));

    private Readiness WaitForOne()
    {
        Assert.AreEqual(1, _poller!.Wait(_ready, AgesMs));
        Assert.AreEqual(Token, _ready[0].Token);
        return _ready[0].Readiness;
    }

    private void AssertNothing() => Assert.AreEqual(0, _poller!.Wait(_ready, 0));

    private ulong[] Tokens(int count) => [.. _ready.Take(count).Select(static ready => ready.Token)];

    /// <summary>Connections in numbers.</summary>
    private sealed class Pairs(int count) : IDisposable
    {
        private readonly SocketPair[] _pairs =
            [.. Enumerable.Range(0, count).Select(static _ => new SocketPair(AddressKind.IPv4))];

        public SocketPair this[int index] => _pairs[index];

        public void Dispose() => Array.ForEach(_pairs, static pair => pair.Dispose());
    }
}
