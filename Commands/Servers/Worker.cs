using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// One reactor of a server with its ports, its share of the connection limit and its counters. Made on the thread of the
/// <see cref="ServerHost"/>; once it runs, only its reactor's thread may use it, except for the figures, <see cref="Call"/> and
/// <see cref="CheckAlive"/>.
/// </summary>
internal sealed class Worker
{
    /// <summary>The maximum silence of clients while the server drains: of those with a complete poem that do not close, and of
    /// those without a request.</summary>
    private static readonly TimeSpan DrainSilence = TimeSpan.FromSeconds(0.5);

    private readonly ConnectionLimit? _limit;
    private readonly ILogger _log;
    private readonly Action _answer;

    /// <summary>Replaced and never changed, because other threads read it.</summary>
    private volatile OwnPorts _own = new([], default);
    private volatile bool _isAsked;
    private volatile bool _hasEnded;
    private bool _isDraining;
    private bool _isDrained;

    /// <summary>Makes a worker without ports.</summary>
    /// <param name="limit">The maximum number of connections; 0 for no limit.</param>
    /// <param name="log">Shared by all workers.</param>
    public Worker(int limit, ILogger log)
    {
        _log = log;
        _limit = limit == 0 ? null : new ConnectionLimit(limit);
        Counters = new ConnectionCounters(log);
        Reactor = new Reactor(log);
        _answer = () => _isAsked = false;
    }

    public Reactor Reactor { get; }

    /// <summary>True once a thread other than that of the <see cref="ServerHost"/> runs it.</summary>
    public bool HasOwnThread { get; set; }

    /// <summary>Counts the ends of its connections and logs their records. May be read from any thread.</summary>
    public ConnectionCounters Counters { get; }

    /// <summary>Called on its thread when it has drained or has to end at once; null stops its reactor.</summary>
    public Action? Drained { get; set; }

    /// <summary>Calls its argument once other work than connections has ended, at once if there is none; null for no other work.</summary>
    public Action<Action>? WhenIdle { get; set; }

    /// <summary>Called on its thread right before it ends; null for nothing.</summary>
    public Action? Ending { get; set; }

    /// <summary>The ports that listen or have connections, in the order in which they were opened. May contain ports that have
    /// ended. May be read from any thread.</summary>
    public ListeningPort[] Ports => _own.Ports;

    /// <summary>The number of ports that listen. May be read from any thread.</summary>
    public int OpenPorts => Array.FindAll(Ports, port => port.Listening).Length;

    /// <summary>The counts of its ports, including those that have ended. May be read from any thread.</summary>
    public PortFigures Figures
    {
        get
        {
            OwnPorts own = _own;
            PortFigures sum = own.Gone;
            Array.ForEach(own.Ports, port => sum += PortFigures.Of(port));
            return sum;
        }
    }

    /// <summary>Opens a port.</summary>
    /// <param name="factory">The factory that was made for this worker.</param>
    /// <param name="address">The address, with the port that the first worker got.</param>
    /// <param name="options">The options; their limit is replaced by that of the worker.</param>
    /// <param name="inherited">A socket that systemd has bound for it, or −1.</param>
    /// <exception cref="CannotListenError">The address can't be bound, or the worker drains, which may happen after a long
    /// look-up.</exception>
    public ListeningPort Listen(Factory factory, in SocketAddress address, ListenOptions options, nint inherited)
    {
        if (_isDraining)
        {
            throw new CannotListenError($"{address}", "the server stops");
        }

        options = options with { Limit = _limit };
        ListeningPort port = inherited >= 0 ? Reactor.AdoptListener(inherited, factory, options)
            : address.Kind == AddressKind.Unix ? Reactor.ListenUnix(address.Path, factory, options)
            : Reactor.ListenTcp(address, factory, options);
        return Add(port);
    }

    /// <summary>Gives a port of this worker another factory.</summary>
    /// <returns>The port that has the socket now.</returns>
    public ListeningPort Replace(ListeningPort port, Factory factory)
    {
        return Add(port.Replace(factory));
    }

    /// <summary>Makes a call on its thread: at once if it has no own thread. To be used on the first worker's thread.</summary>
    public void Call(Action call)
    {
        if (HasOwnThread)
        {
            Reactor.CallFromThread(call);
        }
        else
        {
            call();
        }
    }

    /// <summary>Runs its loop until it has drained or was stopped. The calling thread becomes the reactor's.</summary>
    public void Run()
    {
        try
        {
            Reactor.Run();
        }
        finally
        {
            _hasEnded = true;
        }
    }

    /// <summary>Asks its loop to answer. False if it has not answered the previous call. To be used on the first worker's thread.</summary>
    public bool CheckAlive()
    {
        if (_isAsked && !_hasEnded)
        {
            return false;
        }

        _isAsked = true;
        Reactor.CallFromThread(_answer);
        return true;
    }

    /// <summary>Accepts no more connections, and ends when the last one has closed or after the timeout.</summary>
    /// <param name="timeout">Zero ends at once, <see cref="TimeSpan.MaxValue"/> waits without a limit.</param>
    public void Drain(TimeSpan timeout)
    {
        if (!Reactor.Running)
        {
            return;
        }

        foreach (ListeningPort port in Ports)
        {
            port.AcceptQueuedThenStop();
        }

        if (timeout == TimeSpan.Zero)
        {
            OnDrained();
        }
        else if (!_isDraining)
        {
            _isDraining = true;
            ServerLog.DrainStarted(_log, Reactor.Connections.Count - Reactor.Connections.Ignored, timeout);
            Reactor.Connections.ShortenLinger(DrainSilence);
            foreach (ListeningPort port in Ports)
            {
                (port.Factory as TransformServerFactory)?.CloseIdle(DrainSilence);
            }

            Reactor.Connections.WhenNone(WhenIdle is { } whenIdle ? () => whenIdle(OnDrained) : OnDrained);
            if (timeout < TimeSpan.MaxValue)
            {
                _ = Reactor.CallLater(timeout, this, static worker => worker.OnDrained());
            }
        }
    }

    /// <summary>Adds a port, and removes those that have ended: a list may change many ports again and again.</summary>
    private ListeningPort Add(ListeningPort port)
    {
        (ListeningPort[] ports, PortFigures gone) = _own;
        foreach (ListeningPort old in ports)
        {
            gone += HasGone(old) ? PortFigures.Of(old) : default;
        }

        _own = new OwnPorts([.. Array.FindAll(ports, old => !HasGone(old)), port], gone);
        return port;
    }

    private static bool HasGone(ListeningPort port) => !port.Listening && port.Connections == 0;

    private void OnDrained()
    {
        if (_isDrained || !Reactor.Running)
        {
            return;
        }

        _isDrained = true;
        Ending?.Invoke();
        if (Drained is { } drained)
        {
            drained();
        }
        else
        {
            Reactor.Stop();
        }
    }

    /// <param name="Ports">The ports that have not been removed.</param>
    /// <param name="Gone">The counts of removed ports.</param>
    private sealed record OwnPorts(ListeningPort[] Ports, PortFigures Gone);
}
