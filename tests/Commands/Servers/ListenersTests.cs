using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>Which worker gets which socket.</summary>
[TestClass]
[DoNotParallelize]
public sealed class ListenersTests
{
    private readonly Worker[] _workers = [.. Enumerable.Range(0, 3).Select(_ => new Worker(limit: 0, NullLogger.Instance))];

    [TestInitialize]
    public void GiveNamesTwoAddresses() =>
        Resolver.GetAddresses = static _ => [IPAddress.Loopback, IPAddress.Parse("127.0.0.2")];

    [TestCleanup]
    public void Dispose()
    {
        Resolver.GetAddresses = Dns.GetHostAddresses;
        Array.ForEach(_workers, worker => worker.Reactor.Dispose());
    }

    /// <summary>
    /// Aim: the clients of a poem that is proxied on several addresses share one fetch, also if its line was added while the
    /// server runs. Method: a name with two addresses, at the start and in a list that is read again; a worker is not to have one
    /// socket of two.
    /// </summary>
    [TestMethod]
    public void AListenerOfASingleWorker_HasAllItsAddressesThere()
    {
        Listener first = SingleWorker("first.example");
        var listeners = new Listeners([first]);
        listeners.Bind(_workers, new ListenOptions());
        AssertPorts(2, 0, 0);

        Deferred<Unit> done = listeners.Update([first, SingleWorker("second.example")], NullLogger.Instance);
        bool isDone = false;
        _ = done.AddCallback(_ => isDone = true);
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!isDone)
        {
            Assert.IsLessThan(deadline, Environment.TickCount64, "the end of the update");
            Array.ForEach(_workers, worker => worker.Reactor.Turn(1));
        }

        AssertPorts(2, 2, 0);
    }

    private static Listener SingleWorker(string host) =>
        new($"Proxying {host}", Endpoint.Tcp(host, 0), _ => new ScriptedFactory()) { IsSingleWorker = true };

    private void AssertPorts(params int[] counts) =>
        Assert.AreEqual(string.Join(' ', counts), string.Join(' ', _workers.Select(worker => worker.Ports.Length)));
}
