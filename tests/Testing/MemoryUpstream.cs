using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>One connection that a proxy makes to its upstream: the connector, and the poetry server at its other end.</summary>
internal sealed class MemoryUpstream(IClock clock, ClientFactory factory)
{
    private bool _isOver;

    /// <summary>The connection; null while it is under way, and if it never came about.</summary>
    public MemoryTransport? Transport { get; private set; }

    /// <summary>The result of the fetch.</summary>
    public Deferred<long> Fetching { get; set; } = null!;

    /// <summary>True while the proxy wants the poem.</summary>
    public bool IsLive => !Fetching.Called;

    /// <summary>True if it is neither connected nor cancelled.</summary>
    public bool IsConnecting => Transport is null && !_isOver;

    /// <summary>True if the proxy closed it early.</summary>
    public bool WasGivenUp { get; private set; }

    /// <summary>Bytes that the proxy has read.</summary>
    public long BytesRead => Transport?.BytesRead ?? 0;

    public void Accept()
    {
        Transport = new MemoryTransport(clock);
        Transport.Open(factory.BuildProtocol(default)!);
    }

    public void Refuse()
    {
        _isOver = true;
        factory.ClientConnectionFailed(null!, new Failure(new ConnectError(Errno.ECONNREFUSED, "connection refused")));
    }

    /// <summary>Sends bytes, and accepts first if it has not yet.</summary>
    public void Send(byte[] bytes)
    {
        if (IsConnecting)
        {
            Accept();
        }

        if (bytes.Length > 0)
        {
            Transport?.PeerSends(bytes);
        }
    }

    /// <summary>Sends a poem and its end.</summary>
    public void SendAll(byte[] bytes)
    {
        Send(bytes);
        Transport?.PeerEnds();
    }

    /// <summary>What a connector does when it is told to give up.</summary>
    public void Abort()
    {
        WasGivenUp = true;
        if (Transport is not null)
        {
            Transport.AbortConnection();
        }
        else if (!_isOver)
        {
            _isOver = true;
            factory.ClientConnectionFailed(null!, new Failure(new CancelledError()));
        }
    }
}

/// <summary>A poetry server in memory: every connection that was made to it, in order.</summary>
internal sealed class MemoryUpstreams(IClock clock, PoemRequest request)
{
    private readonly List<MemoryUpstream> _all = [];

    public IReadOnlyList<MemoryUpstream> All => _all;

    public MemoryUpstream Last => _all[^1];

    public IEnumerable<MemoryUpstream> Live => _all.Where(upstream => upstream.IsLive);

    /// <summary>The way a <see cref="ProxyService"/> fetches.</summary>
    public Deferred<long> Fetch(IPoemReceiver receiver)
    {
        MemoryUpstream? made = null;
        Deferred<long> fetching = PoemFetch.Start(
            clock,
            factory =>
            {
                made = new MemoryUpstream(clock, factory);
                return made.Abort;
            },
            request,
            receiver);
        made!.Fetching = fetching;
        _all.Add(made);
        return fetching;
    }
}
