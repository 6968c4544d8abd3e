using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// One reactor of a server with its ports, its share of the connection limit and its counters. Made on the thread of the
/// <see cref="ServerHost"/>; once it runs, everything but the counters and the sign of life belongs to its reactor's thread.
/// </summary>
internal sealed class Worker
{
    /// <summary>While the server ends, clients that have everything and do not close, and those that have asked for nothing,
    /// get no more than this.</summary>
    private static readonly TimeSpan LastLinger = TimeSpan.FromSeconds(0.5);

    private readonly ConnectionLimit? _limit;
    private readonly ILogger _log;
    private readonly Action _answer;
    private volatile bool _isAsked;
    private volatile bool _hasEnded;
    private bool _draining;
    private bool _isDone;

    /// <summary>Makes a worker without ports.</summary>
    /// <param name="limit">Connections at once; 0 for no limit.</param>
    /// <param name="log">What all workers share.</param>
    public Worker(int limit, ILogger log)
    {
        _log = log;
        _limit = limit == 0 ? null : new ConnectionLimit(limit);
        Counters = new ConnectionCounters(log);
        Reactor = new Reactor(log);
        _answer = () => _isAsked = false;
    }

    /// <summary>Its loop.</summary>
    public Reactor Reactor { get; }

    /// <summary>How its connections have ended. May be read from any thread.</summary>
    public ConnectionCounters Counters { get; }

    /// <summary>Called when it has drained or shall end at once, on its thread; null stops its reactor.</summary>
    public Action? WhenDone { get; set; }

    /// <summary>Its ports, in the order of the listeners.</summary>
    public List<ListeningPort> Ports { get; } = [];

    /// <summary>Opens a port.</summary>
    /// <param name="listener">What is served on it.</param>
    /// <param name="where">Where, with the port that earlier workers got.</param>
    /// <param name="how">But for the limit, which is the worker's own.</param>
    /// <param name="inherited">A socket that systemd has bound for it, or −1.</param>
    /// <exception cref="CannotListenError">It can't be had.</exception>
    public ListeningPort Listen(Listener listener, in SocketAddress where, ListenOptions how, nint inherited)
    {
        Factory factory = listener.MakeFactory(Reactor, Counters);
        how = how with { Limit = _limit };
        ListeningPort port = inherited >= 0 ? Reactor.AdoptListener(inherited, factory, how)
            : where.Kind == AddressKind.Unix ? Reactor.ListenUnix(where.Path, factory, how)
            : Reactor.ListenTcp(where, factory, how);
        Ports.Add(port);
        return port;
    }

    /// <summary>Turns its loop until it has drained or was stopped. On the thread that is to be the reactor's.</summary>
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

    /// <summary>Has its loop turned since this was asked last? One that has ended need not. On the first worker's thread.</summary>
    public bool HasTurned()
    {
        if (_isAsked && !_hasEnded)
        {
            return false;
        }

        _isAsked = true;
        Reactor.CallFromThread(_answer);
        return true;
    }

    /// <summary>Takes no more clients, and ends when the last has gone or the time is over.</summary>
    /// <param name="patience">Zero ends at once.</param>
    public void Drain(TimeSpan patience)
    {
        if (!Reactor.Running)
        {
            return;
        }

        foreach (ListeningPort port in Ports)
        {
            port.AcceptQueuedThenStop();
        }

        if (patience == TimeSpan.Zero)
        {
            End();
        }
        else if (!_draining)
        {
            _draining = true;
            ServerLog.DrainStarted(_log, Reactor.Connections.Count - Reactor.Connections.Ignored, patience);
            Reactor.Connections.ShortenLinger(LastLinger);
            foreach (ListeningPort port in Ports)
            {
                (port.Factory as IRequestFactory)?.CloseIdle(LastLinger);
            }

            Reactor.Connections.WhenNone(End);
            if (patience < TimeSpan.MaxValue)
            {
                _ = Reactor.CallLater(patience, this, static worker => worker.End());
            }
        }
    }

    private void End()
    {
        if (_isDone || !Reactor.Running)
        {
            return;
        }

        _isDone = true;
        if (WhenDone is { } done)
        {
            done();
        }
        else
        {
            Reactor.Stop();
        }
    }
}
