using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// What a port does when it may not, or can't, take more: at the limit of connections clients wait in the backlog; without
/// descriptors a few are turned away, and the port looks again later. Neither spins. Every backend.
/// </summary>
[TestClass]
public sealed class ConnectionLimitTests
{
    private readonly ScriptedFactory _factory = new();

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AtTheLimit_NewClientsWaitAndComeInWhenOneLeaves(string backend)
    {
        var poller = new FaultyPoller(Backends.Open(backend));
        using var loop = new TurnedReactor(poller);
        var options = new ListenOptions { Limit = new ConnectionLimit(3) };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        List<Socket> clients = Connect(port, 10);
        loop.Until(() => port.Connections == 3, "the first three");
        loop.Until(() => !port.IsWatched, "the end of watching");
        int wakes = poller.Wakes;
        for (int turn = 0; turn < 20; turn++)
        {
            loop.Reactor.Turn(0);
        }

        Assert.AreEqual(wakes, poller.Wakes, "nothing can progress, so nothing may wake the loop");
        Assert.AreEqual(3, port.Accepted);
        for (int left = 1; left <= 10; left++)
        {
            clients[left - 1].Dispose();
            loop.Until(() => port.Accepted == Math.Min(10, 3 + left), $"the next after {left} have left");
            Assert.IsLessThanOrEqualTo(3, port.Connections);
        }

        loop.Until(() => port.Connections == 0, "the end of all");
    }

    /// <summary>Two ports share a limit; the one that is asked first has no waiting client, the other has one.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AtTheLimit_APortWithoutWaitingClients_KeepsNoSlotFromTheOther(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { Limit = new ConnectionLimit(2) };
        ListeningPort idle = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        ListeningPort busy = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        List<Socket> first = Connect(idle, 2);
        loop.Until(() => !idle.IsWatched, "the pause of the one, which has seen the limit while it accepted");
        List<Socket> waiting = Connect(busy, 1);
        loop.Until(() => !busy.IsWatched, "the pause of the other");
        first[0].Dispose();
        loop.Until(() => busy.Connections == 1, "the client of the other port");
        first[1].Dispose();
        waiting[0].Dispose();
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AtTheLimit_TwoBusyPorts_TakeTurns(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { Limit = new ConnectionLimit(1) };
        ListeningPort one = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        ListeningPort other = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        List<Socket> clients = [.. Connect(one, 10), .. Connect(other, 10)];
        loop.Until(() => !one.IsWatched && !other.IsWatched, "the limit");
        for (int left = 1; left <= 10; left++)
        {
            _factory.Built.Single(protocol => !protocol.IsLost).Transport.AbortConnection();
            loop.Until(() => one.Accepted + other.Accepted == left + 1, "the next");
        }

        Assert.IsGreaterThanOrEqualTo(4, one.Accepted);
        Assert.IsGreaterThanOrEqualTo(4, other.Accepted);
        clients.ForEach(client => client.Dispose());
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AtTheLimit_APortThatStops_KeepsNoPlaceFromTheOther(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { Limit = new ConnectionLimit(1) };
        ListeningPort one = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        ListeningPort other = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        List<Socket> first = Connect(one, 2);
        loop.Until(() => !one.IsWatched, "the limit");
        List<Socket> waiting = Connect(other, 1);
        loop.Until(() => !other.IsWatched, "the limit");
        one.StopListening();
        first[0].Dispose();
        loop.Until(() => other.Connections == 1, "the client of the other port");
        first[1].Dispose();
        waiting[0].Dispose();
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
    }

    /// <summary>
    /// The test lowers its own limit of descriptors to what is open, for a moment: every accept fails. Some clients are
    /// turned away, the port pauses without spinning and with one line of log, and serves when there is room again.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void OutOfDescriptors_ThePortPausesAndRecovers(string backend)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no such limit");
        }

        var poller = new FaultyPoller(Backends.Open(backend));
        using var loop = new TurnedReactor(poller);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        using Socket held = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "a client that was there before");
        List<Socket> clients = Connect(port, 100);
        using (Posix.WithoutFreeDescriptors())
        {
            loop.Until(() => loop.Log.Entries.Length > 0, "the pause");
            int wakes = poller.Wakes;
            TimeSpan started = loop.Reactor.Now;
            loop.Until(() => loop.Reactor.Now - started > TimeSpan.FromMilliseconds(300), "some pauses");
            Assert.IsLessThan(30, poller.Wakes - wakes, "10 ms, 20, 40: the pauses grow");
            Assert.AreEqual(1, port.Accepted);
            _ = held.Send("still here"u8);
            loop.Until(() => _factory.Only.ReceivedCount == 10, "what the held client says");
        }

        Assert.HasCount(1, loop.Log.Entries);
        StringAssert.Contains(loop.Log.Entries[0].Text, "too many open files");
        StringAssert.Contains(loop.Log.Entries[0].Text, "64 clients reset");
        clients.ForEach(client => client.Dispose());
        using Socket late = Wire.Connect(port.Address.Port);
        _ = late.Send("late"u8);
        loop.Until(() => _factory.Built.Any(protocol => protocol.Received.SequenceEqual("late"u8)), "the late client");
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    private static List<Socket> Connect(ListeningPort port, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Wire.Connect(port.Address.Port))];
}
