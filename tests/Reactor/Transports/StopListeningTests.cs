using System.Net;
using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Clients that connect in the instant in which a port stops listening are served, refused or get no answer; they are not
/// connected and then reset. On loopback, where a handshake is complete when connect returns.
/// </summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class StopListeningTests
{
    private const int Rounds = 10;
    private const int Threads = 4;

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AcceptQueuedThenStop_DuringAStormOfConnects_ResetsNone(bool unix)
    {
        int served = 0;
        int resets = 0;
        for (int round = 0; round < Rounds; round++)
        {
            using var loop = new TurnedReactor("epoll");
            var factory = new ScriptedFactory(() => new ScriptedProtocol { OnMade = made => made.Transport.LoseConnection() });
            string path = TestListener.FreshPath();
            ListeningPort port = unix ? loop.Reactor.ListenUnix(path, factory)
                : loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
            EndPoint address = unix ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, port.Address.Port);
            using var storm = new Storm(address);
            loop.Until(() => port.Accepted >= 50, "the first clients");
            port.AcceptQueuedThenStop();
            loop.Until(() => storm.HasEnded && loop.Reactor.Connections.Count == 0, "the end of the storm");
            served += storm.Served;
            resets += storm.Resets;
        }

        Assert.IsGreaterThanOrEqualTo(50 * Rounds - (Rounds * Threads), served);
        Assert.AreEqual(0, resets, $"of {served} clients");
    }

    /// <summary>Threads that connect, one connection after the other, until one is refused.</summary>
    private sealed class Storm : IDisposable
    {
        private readonly List<Thread> _threads = [];
        private int _served;
        private int _resets;

        public Storm(EndPoint address)
        {
            for (int i = 0; i < Threads; i++)
            {
                var thread = new Thread(() => Connect(address)) { IsBackground = true, Name = "storm" };
                _threads.Add(thread);
                thread.Start();
            }
        }

        public int Served => Volatile.Read(ref _served);

        public int Resets => Volatile.Read(ref _resets);

        public bool HasEnded => _threads.TrueForAll(thread => !thread.IsAlive);

        public void Dispose() => _threads.ForEach(thread => thread.Join());

        private void Connect(EndPoint address)
        {
            byte[] buffer = new byte[1];
            while (true)
            {
                using var client = new Socket(
                    address.AddressFamily,
                    SocketType.Stream,
                    address.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
                try
                {
                    client.Connect(address);
                }
                catch (SocketException)
                {
                    return;
                }

                try
                {
                    _ = client.Receive(buffer);
                    _ = Interlocked.Increment(ref _served);
                }
                catch (SocketException)
                {
                    _ = Interlocked.Increment(ref _resets);
                }
            }
        }
    }
}
