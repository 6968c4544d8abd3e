using System.Collections.Concurrent;
using System.Net;
using Poetry.Net;
using Poetry.Tests.Testing;
using SocketAddress = Poetry.Net.SocketAddress;

namespace Poetry.Tests.Net;

/// <summary>Looking names up: few threads, shared answers, a queue. The system's resolver is scripted.</summary>
[TestClass]
[DoNotParallelize]
public sealed class ResolverTests
{
    private readonly ConcurrentQueue<string> _asked = new();
    private readonly ManualResetEventSlim _answers = new();
    private readonly TurnedReactor _loop = new("select");
    private Func<string, IPAddress[]> _original = null!;
    private int _active;
    private int _maxActive;

    [TestInitialize]
    public void Script()
    {
        _original = Resolver.GetAddresses;
        Resolver.GetAddresses = name =>
        {
            _asked.Enqueue(name);
            int active = Interlocked.Increment(ref _active);
            int seen = _maxActive;
            while (active > seen && Interlocked.CompareExchange(ref _maxActive, active, seen) != seen)
            {
                seen = _maxActive;
            }

            bool answers = _answers.Wait(Patience.Milliseconds);
            _ = Interlocked.Decrement(ref _active);
            return !answers || name.StartsWith("unknown", StringComparison.Ordinal)
                ? throw new System.Net.Sockets.SocketException(11001)
                : [IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Loopback];
        };
    }

    [TestCleanup]
    public void PutBack()
    {
        _answers.Set();
        _loop.Until(() => Volatile.Read(ref _active) == 0, "the end of the look-ups");
        Resolver.GetAddresses = _original;
        _loop.Dispose();
        _answers.Dispose();
    }

    /// <summary>A silent name server and 300 requests made 304 threads once.</summary>
    [TestMethod]
    public void Resolve_ManyNamesAndASilentServer_UsesFourThreads()
    {
        var found = new List<SocketAddress[]>();
        _loop.Reactor.Prepare();
        for (int i = 0; i < 300; i++)
        {
            _ = Resolve($"name{i}.example").AddCallback(addresses =>
            {
                found.Add(addresses);
                return addresses;
            });
        }

        _loop.Until(() => Volatile.Read(ref _active) == Resolver.MaxThreads, "four look-ups");
        _answers.Set();
        _loop.Until(() => found.Count == 300, "all answers");
        Assert.AreEqual(Resolver.MaxThreads, _maxActive);
        Assert.HasCount(300, _asked);
    }

    [TestMethod]
    public void Resolve_EqualNames_ShareOneLookUp()
    {
        var found = new List<SocketAddress[]>();
        _loop.Reactor.Prepare();
        foreach (string name in new[] { "poems.example", "POEMS.example", "poems.example" })
        {
            _ = Resolve(name, 17).AddCallback(addresses =>
            {
                found.Add(addresses);
                return addresses;
            });
        }

        _answers.Set();
        _loop.Until(() => found.Count == 3, "all answers");
        Assert.HasCount(1, _asked);
        SocketAddress[] expected = [SocketAddress.Ip(IPAddress.Loopback, 17), SocketAddress.Ip(IPAddress.IPv6Loopback, 17)];
        found.ForEach(addresses => CollectionAssert.AreEqual(expected, addresses));
        Assert.AreNotSame(found[0], found[1], "each caller may change its own");
    }

    [TestMethod]
    public void Cancel_WhileTheNameWaits_IsNotLookedUp()
    {
        int failures = 0;
        _loop.Reactor.Prepare();
        for (int i = 0; i < Resolver.MaxThreads; i++)
        {
            _ = Resolve($"unknown{i}.example").AddErrback(_ =>
            {
                failures++;
                return [];
            });
        }

        Deferred<SocketAddress[]> cancelled = Resolve("cancelled.example");
        _ = cancelled.AddErrback(failure =>
        {
            Assert.IsTrue(failure.Check<CancelledError>());
            failures++;
            return [];
        });
        cancelled.Cancel();
        Assert.AreEqual(1, failures, "cancelling does not wait");
        _answers.Set();
        _loop.Until(() => failures == Resolver.MaxThreads + 1, "the failures");
        CollectionAssert.DoesNotContain(_asked.ToArray(), "cancelled.example");
    }

    [TestMethod]
    public void Connect_WhoseNameWaits_TimesOut()
    {
        _loop.Reactor.Prepare();
        for (int i = 0; i < Resolver.MaxThreads; i++)
        {
            _ = Resolve($"silent{i}.example");
        }

        var factory = new ScriptedFactory();
        _ = _loop.Reactor.Connect(Endpoint.Tcp("waiting.example", 17), factory, TimeSpan.FromMilliseconds(50));
        _loop.Until(() => factory.ConnectFailures.Count == 1, "the time-out");
        Assert.AreEqual("connecting timed out after 0.05 s", factory.ConnectFailures[0].Message);
        CollectionAssert.DoesNotContain(_asked.ToArray(), "waiting.example");
    }

    private Deferred<SocketAddress[]> Resolve(string host, int port = 80) =>
        Resolver.Resolve(_loop.Reactor, Endpoint.Tcp(host, port));
}
