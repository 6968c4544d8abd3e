using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Poetry.Net;
using SocketAddress = Poetry.Net.SocketAddress;

namespace Poetry.Tests.Testing;

/// <summary>
/// A reactor that the test turns by hand, on the test's own thread: until something has happened, or while a peer of plain
/// blocking sockets does its part on another thread. It owns the reactor.
/// </summary>
internal sealed class TurnedReactor : IDisposable
{
    /// <summary>A turn that finds nothing to do ends after this, to look whether the test is over.</summary>
    private const int LookAfterMs = 5;

    public TurnedReactor(string backend)
        : this(Backends.Open(backend))
    {
    }

    public TurnedReactor(Poller poller)
    {
        Reactor = new Reactor(poller, Log);
    }

    public Reactor Reactor { get; }

    public CollectingLog Log { get; } = new();

    /// <summary>Any free port of the loopback interface.</summary>
    public static SocketAddress AnyPort => SocketAddress.Ip(IPAddress.Loopback, 0);

    /// <summary>The same of IPv6; or a skipped test where there is none.</summary>
    public static SocketAddress AnyPort6
    {
        get
        {
            if (!Socket.OSSupportsIPv6)
            {
                Assert.Inconclusive("there is no IPv6 here");
            }

            return SocketAddress.Ip(IPAddress.IPv6Loopback, 0);
        }
    }

    /// <summary>Turns until it is so.</summary>
    public void Until(Func<bool> done, string what)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!done())
        {
            Assert.IsLessThan(deadline, Environment.TickCount64, $"{what}: did not come");
            Reactor.Turn(LookAfterMs);
        }
    }

    /// <summary>Turns while a peer is at work, until it is done.</summary>
    /// <returns>What it found. What it throws is thrown here.</returns>
    public TResult While<TResult>(Func<TResult> peer)
    {
        TResult? result = default;
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = peer();
            }
            catch (Exception exception)
            {
                thrown = exception;
            }
        })
        { IsBackground = true, Name = "peer" };
        thread.Start();
        Until(() => !thread.IsAlive, "the end of the peer");
        if (thrown is not null)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }

        return result!;
    }

    /// <inheritdoc cref="While{TResult}"/>
    public void While(Action peer) => _ = While(() =>
    {
        peer();
        return true;
    });

    /// <summary>Listens, has a client connect, and waits for its protocol.</summary>
    public Socket Connected(ScriptedFactory factory, ListenOptions? options = null, int receiveBufferBytes = 0)
    {
        ListeningPort port = Reactor.ListenTcp(AnyPort, factory, options);
        Socket client = Wire.Connect(port.Address.Port, receiveBufferBytes);
        int before = factory.Built.Count;
        Until(() => factory.Built.Count > before && factory.Built[^1].IsMade, "the client's protocol");
        return client;
    }

    public void Dispose()
    {
        Reactor.Dispose();
        int left = Reactor.DelayedCalls;
        DelayedCallWatch.Watch(() => DelayedCallWatch.Left("a reactor", left));
        if (Reactor.LostFailureCount > 0)
        {
            DelayedCallWatch.Watch(() => $"a failure that nothing handled in a reactor: {string.Join('\n', Log.Lines)}");
        }
    }
}
