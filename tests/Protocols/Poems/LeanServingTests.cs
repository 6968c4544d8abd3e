using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// From a warm state serving costs no byte of the managed heap: no connection, no read, no timer. The clients are on a
/// thread of their own, so that what the loop's thread allocates can be told to the byte; a burst of them comes first, so
/// that there are spares of everything.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class LeanServingTests
{
    private const int Burst = 400;
    private const int Measured = 300;
    private const int MaxPasses = 4;

    private static readonly byte[] ProxyHeader = [.. "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"u8];

    private bool _isOver;

    /// <summary>The emulated kqueue is made of managed objects.</summary>
    public static IEnumerable<object[]> RealBackends => Backends.Real;

    public static IEnumerable<object[]> Poems
    {
        get
        {
            foreach (object[] backend in RealBackends)
            {
                yield return [backend[0], 600];
                yield return [backend[0], 200_000];
                yield return [backend[0], 8 << 20];
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Poems))]
    public void PoemServer_ServesFromWarmState_WithoutAllocating(string backend, int length)
    {
        using var folder = new TemporaryFolder();
        PoemSource source = PoemSource.TryOpen(folder.Write("poem.txt", new byte[length]), PoemFormat.Plain, out _)!;
        using var loop = new TurnedReactor(backend);
        var factory = new PoemServerFactory(source, loop.Reactor, NullLogger.Instance);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        int burst = length > 1 << 20 ? 50 : Burst;
        int measured = length > 1 << 20 ? 20 : Measured;
        _ = AllocatedWhile(loop.Reactor, port, () => FetchAtOnce(port, burst));
        long allocated = long.MaxValue;
        int passes = 0;

        // What is allocated for each connection is so in every pass; a list that grows once, when the machine is busy, is not.
        for (; passes < MaxPasses && allocated > 0; passes++)
        {
            allocated = AllocatedWhile(loop.Reactor, port, () => FetchInTurn(port.Address.Port, measured));
        }

        Assert.AreEqual(burst + (passes * measured), port.Accepted);
        Assert.AreEqual(0, allocated, $"bytes for {measured} connections");
        PoemEnd.ReleaseAll(source);
    }

    /// <summary>A PROXY header and a limit for each address cost no memory either.</summary>
    [TestMethod]
    [DynamicData(nameof(RealBackends))]
    public void ProxyHeaders_AndTheAddressLimit_AllocateNothing(string backend)
    {
        using var folder = new TemporaryFolder();
        PoemSource source = PoemSource.TryOpen(folder.Write("poem.txt", new byte[600]), PoemFormat.Plain, out _)!;
        using var loop = new TurnedReactor(backend);
        var factory = new PoemServerFactory(source, loop.Reactor, NullLogger.Instance);
        var options = new ListenOptions { ExpectsProxyHeader = true, AddressLimit = new AddressLimit(Burst) };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory, options);
        _ = AllocatedWhile(loop.Reactor, port, () => FetchAtOnce(port, Burst, ProxyHeader));
        long allocated = long.MaxValue;
        int passes = 0;
        for (; passes < MaxPasses && allocated > 0; passes++)
        {
            allocated = AllocatedWhile(loop.Reactor, port, () => FetchInTurn(port.Address.Port, Measured, ProxyHeader));
        }

        Assert.AreEqual(Burst + (passes * Measured), port.Accepted);
        Assert.AreEqual(0, port.RejectedByHeader + port.RejectedByAddress);
        Assert.AreEqual(0, allocated, $"bytes for {Measured} connections");
        PoemEnd.ReleaseAll(source);
    }

    [TestMethod]
    [DynamicData(nameof(RealBackends))]
    public void DataReceived_OfAnyRead_AllocatesNothing(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var echo = new ScriptedFactory(() => new ScriptedProtocol
        {
            KeepsBytes = false,
            OnData = (protocol, data) => protocol.Transport.Write(data),
        });
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, echo);
        using Socket client = Wire.Connect(port.Address.Port);
        byte[] message = new byte[2000];
        void Exchange()
        {
            for (int i = 0; i < 1000; i++)
            {
                _ = client.Send(message);
                for (int got = 0; got < message.Length;)
                {
                    got += client.Receive(message);
                }
            }
        }

        _ = AllocatedWhile(loop.Reactor, port, Exchange, left: 1);
        long allocated = AllocatedWhile(loop.Reactor, port, Exchange, left: 1);
        Assert.IsGreaterThanOrEqualTo(2000, echo.Only.DataCount);
        Assert.AreEqual(0, allocated, "bytes for a thousand reads and writes");
    }

    [TestMethod]
    [DynamicData(nameof(RealBackends))]
    public void ATimerThatIsArmedAgain_AllocatesNothing(string backend)
    {
        using var loop = new TurnedReactor(backend);
        int ticks = 0;
        var looping = new LoopingCall(loop.Reactor, () => ticks++);
        _ = looping.Start(TimeSpan.Zero);
        Turn(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Turn(1000);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(1101, ticks);
        looping.Stop();

        void Turn(int count)
        {
            for (int i = 0; i < count; i++)
            {
                loop.Reactor.Turn(0);
            }
        }
    }

    /// <summary>Turns the loop while the clients are at work and until their connections have ended.</summary>
    private long AllocatedWhile(Reactor reactor, ListeningPort port, Action clients, int left = 0)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                clients();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
            finally
            {
                Volatile.Write(ref _isOver, true);
            }
        });
        Volatile.Write(ref _isOver, false);
        thread.Start();
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        long before = GC.GetAllocatedBytesForCurrentThread();
        while ((!Volatile.Read(ref _isOver) || port.Connections > left) && Environment.TickCount64 < deadline)
        {
            reactor.Turn(1);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        thread.Join();
        Assert.IsNull(failure, $"{failure}");
        Assert.AreEqual(left, port.Connections);
        return allocated;
    }

    /// <summary>
    /// All of them are there before the first one reads, or a loop that gets less of the processor than its clients would
    /// have fewer spares than a slow moment of the measured clients needs.
    /// </summary>
    private static void FetchAtOnce(ListeningPort port, int count, byte[]? firstBytes = null)
    {
        var clients = new List<Socket>();
        for (int i = 0; i < count; i++)
        {
            clients.Add(Wire.Connect(port.Address.Port));
        }

        Assert.IsTrue(SpinWait.SpinUntil(() => port.Connections == count, Patience.Milliseconds), "not all were accepted");

        foreach (Socket client in clients)
        {
            _ = client.Send(firstBytes ?? []);
            _ = Wire.ReadToEnd(client, static _ => { });
            client.Dispose();
        }
    }

    private static void FetchInTurn(int port, int count, byte[]? firstBytes = null)
    {
        for (int i = 0; i < count; i++)
        {
            using Socket client = Wire.Connect(port);
            _ = client.Send(firstBytes ?? []);
            _ = Wire.ReadToEnd(client, static _ => { });
        }
    }
}
