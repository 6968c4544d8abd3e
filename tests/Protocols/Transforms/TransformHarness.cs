using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>A port of a transform service on a clock that the test turns, with clients of memory.</summary>
internal sealed class TransformHarness
{
    private readonly TimerQueue _timers;

    public TransformHarness(
        bool asText = false,
        int maxLength = 1024 * 1024,
        double timeout = 30,
        TransformService? service = null,
        ManualClock? clock = null,
        TransformLimits? limits = null)
    {
        Clock = clock ?? new ManualClock();
        _timers = new TimerQueue(Clock);
        Service = service ?? TransformService.BuiltIn();
        limits ??= new TransformLimits(maxLength, TimeSpan.FromSeconds(timeout));
        Factory = new TransformServerFactory(Service, asText, limits, Clock, _timers, Log);
    }

    public ManualClock Clock { get; }

    public CollectingLog Log { get; } = new();

    public TransformService Service { get; }

    public TransformServerFactory Factory { get; }

    /// <summary>Deadlines that are running.</summary>
    public int DeadlineCount => _timers.Count;

    /// <summary>A request as a netstring.</summary>
    public static byte[] Netstring(string request) => Netstring(Encoding.UTF8.GetBytes(request));

    /// <inheritdoc cref="Netstring(string)"/>
    public static byte[] Netstring(ReadOnlySpan<byte> request) =>
        [.. Encoding.ASCII.GetBytes($"{request.Length}:"), .. request, (byte)','];

    /// <summary>A new client.</summary>
    /// <param name="room">What its kernel takes.</param>
    public MemoryTransport Connect(long room = long.MaxValue)
    {
        SocketAddress peer = default;
        return MemoryTransport.Connect(Factory.BuildProtocol(peer)!, room);
    }

    /// <summary>A client that sends all of this and then looks at what it has got.</summary>
    public MemoryTransport Ask(ReadOnlySpan<byte> request, bool ends = false)
    {
        MemoryTransport client = Connect();
        client.PeerSends(request);
        if (ends)
        {
            client.PeerEnds();
        }

        return client;
    }

    /// <inheritdoc cref="Ask(ReadOnlySpan{byte}, bool)"/>
    public MemoryTransport Ask(string request, bool ends = false) => Ask(Encoding.UTF8.GetBytes(request), ends);

    /// <summary>Turns the clock, and makes the calls that are due.</summary>
    public void Advance(double seconds)
    {
        Clock.Advance(seconds);
        while (_timers.TakeDue(Clock.Now.Ticks, long.MaxValue) is { } call)
        {
            call.Fire();
        }
    }
}

/// <summary>A transformation that completes when the test, or its clock, says so.</summary>
internal sealed class LaterTransformation(string name, Func<byte[], Deferred<byte[]>> apply) : Transformation(name)
{
    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output) =>
        apply(text.ToArray()).AddCallback(bytes =>
        {
            output.Write(bytes);
            return output;
        });
}

/// <summary>A transformation that writes what the test says, at once.</summary>
internal sealed class NowTransformation(string name, Action<byte[], TextBuffer> apply) : Transformation(name)
{
    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        apply(text.ToArray(), output);
        return null;
    }
}
