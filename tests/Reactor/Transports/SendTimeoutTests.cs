using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>A client that takes nothing for too long is reset, and one that takes a little is not. Real sockets, every backend.</summary>
[TestClass]
public sealed class SendTimeoutTests
{
    private const int SmallBuffer = 2304;

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void SendTimeout_OnAClientThatNeverReads_IsAReset(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[64 << 20].AsMemory()),
        });
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { SendTimeout = TimeSpan.FromMilliseconds(50) };
        using Socket client = loop.Connected(factory, options, SmallBuffer);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionTimedOut>();
        Wire.WaitForReset(client);
    }

    /// <summary>
    /// The kernel says that there is room only when a good part of what it holds has gone, which takes a slow reader many
    /// send time-outs: as long as the kernel holds less each time, the client reads.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void SendTimeout_OnAClientThatReadsSlowly_IsNone(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[64 << 20].AsMemory()),
        });
        using var loop = new TurnedReactor(backend);

        // Longer than an acknowledgement may be delayed, which is what the kernel goes by.
        var options = new ListenOptions { SendTimeout = TimeSpan.FromMilliseconds(300) };
        using Socket client = loop.Connected(factory, options, SmallBuffer);
        for (int reads = 0; reads < 4; reads++)
        {
            _ = Wire.ReadExactly(client, 64 * 1024);
            TimeSpan start = loop.Reactor.Now;
            while (loop.Reactor.Now - start < options.SendTimeout)
            {
                loop.Reactor.Turn(5);
            }

            Assert.IsFalse(factory.Only.IsLost, $"it was reset after {reads} reads");
        }
    }

    /// <summary>What the kernel took last counts as progress once, and not for a whole time-out more. On the loop's own time.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void SendTimeout_OnAClientThatNeverReads_IsNotTwiceAsLong(string backend)
    {
        ScriptedFactory factory = Serving(new byte[5_000_000]);
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { SendTimeout = TimeSpan.FromMilliseconds(400) };
        using Socket client = loop.Connected(factory, options, SmallBuffer);
        bool wasLost = false;
        bool isOver = false;
        _ = loop.Reactor.CallLater(options.SendTimeout * 1.9, () =>
        {
            wasLost = factory.Only.IsLost;
            isOver = true;
        });
        loop.Until(() => isOver, "nearly two time-outs");
        Assert.IsTrue(wasLost);
        factory.Only.AssertLost<ConnectionTimedOut>();
    }

    /// <summary>The kernel has taken everything, so that only its own queue shows that the client does not read.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void SendTimeout_OnAClientThatLeavesAllWithTheKernel_IsAReset(string backend)
    {
        ScriptedFactory factory = Serving(new byte[50_000]);
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { SendTimeout = TimeSpan.FromMilliseconds(60) };
        loop.Reactor.Connections.ShortenLinger(TimeSpan.FromMilliseconds(20));
        using Socket client = loop.Connected(factory, options, SmallBuffer);
        Assert.AreEqual(0, factory.Only.Transport.BytesPending);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionTimedOut>();
        Wire.WaitForReset(client);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    private static ScriptedFactory Serving(byte[] poem) => new(() => new ScriptedProtocol
    {
        KeepsBytes = false,
        OnMade = protocol => protocol.Transport.WriteLast(poem),
    });
}
