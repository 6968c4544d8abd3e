using System;
using System.Collections.Generic;
using System.Threading;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>One thing to serve, and where: what a server command asks its <see cref="ServerHost"/> for.</summary>
/// <param name="Title">The beginning of its ready line, such as <c>Serving poetry/ecstasy.txt</c>.</param>
/// <param name="Where">As the user asked for it; port 0 for any.</param>
/// <param name="MakeFactory">Makes the factory of one reactor, with the log that its connections are recorded in; called
/// on the thread of <see cref="ServerHost.Run"/>.</param>
internal sealed record Listener(string Title, Endpoint Where, Func<Reactor, ILogger, Factory> MakeFactory)
{
    /// <summary>Is it served by a single reactor, whatever <c>--workers</c> says, since its clients share something?</summary>
    public bool HasOneWorker { get; init; }
}

/// <summary>
/// What all servers share: reactors on their threads, ports bound before any is served, ready lines, signals, systemd, and
/// the end: no more clients, those in flight finished within the drain time, the rest reset.
/// </summary>
/// <remarks>
/// Crosses threads: the first reactor runs on the thread of <see cref="Run"/> and hears the signals; the others are told by
/// <see cref="Reactor.CallFromThread(Action)"/>. Each has its own listeners on shared ports, and its share of the limit.
/// </remarks>
internal sealed partial class ServerHost
{
    /// <summary>Connections of the metrics port at once: a few scrapers and probers, and room for one that misbehaves.</summary>
    private const int MostMetricsConnections = 32;

    /// <summary>Somebody who reads ready lines at all has read one by then.</summary>
    private const int LongWriteMs = 500;

    /// <summary>Signs of life come no more often: who asks for more would be told of nothing but the asking.</summary>
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromMilliseconds(10);

    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly List<Worker> _workers = [];
    private readonly List<Thread> _threads = [];

    /// <summary>Held while the server gets ready: until then no worker's loop turns.</summary>
    private readonly object _gate = new();
    private bool _isReady;
    private DescriptorBudget _budget;
    private ServerStatistics? _statistics;
    private Exception? _failure;
    private bool _isBroken;
    private int _signalsSeen;

    /// <summary>Since when a ready line is being written, by <see cref="Environment.TickCount64"/>; 0 for none.</summary>
    private long _writesReadySinceMs;
    private int _busyWorkers;

    /// <summary>Makes a host that serves nothing yet.</summary>
    public ServerHost(ServerOptions options, ILogger log)
    {
        _options = options;
        _log = log;
    }

    /// <summary>What SIGHUP does; null for nothing. On the first reactor's thread.</summary>
    public Func<IClock, Deferred<Unit>>? Reload { get; init; }

    /// <summary>What a client costs: two where each may need a connection to an upstream.</summary>
    public int DescriptorsPerClient { get; init; } = 1;

    /// <summary>
    /// How many of a worker's clients may have something fetched for them at once: half of them, so that others still get in
    /// when an upstream leads back here by way of another server. Known before the factories are made.
    /// </summary>
    public int UpstreamsPerWorker => (int)Math.Clamp(_budget.Upstreams / _workers.Count, 1, int.MaxValue);

    /// <summary>Adds the command's own figures to the metrics page; null for none. On the first reactor's thread.</summary>
    public Action<MetricsPage>? Metrics { get; init; }

    /// <summary>Serves until it is told to end.</summary>
    /// <param name="listeners">At least one.</param>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<Listener> listeners)
    {
        Signals? signals = null;
        try
        {
            UnhandledFailures.Sink = (what, failure) => ReactorLog.UnhandledError(_log, what, failure.Exception);
            if (Systemd.CloseSurplus(listeners.Count) is var surplus and not 0)
            {
                ServerLog.InheritedSocketsClosed(_log, surplus, $"{listeners.Count}");
            }

            if (MakeWorkers(listeners) is { } problem)
            {
                return CommandRunner.Fail(problem);
            }

            SocketAddress[] places = Resolve(listeners);
            SocketAddress metrics = _options.Metrics is { } endpoint ? Resolver.ResolveNow(endpoint)[0] : default;

            // Up to here a signal ends the process as it ends any other: a name that is looked up may take its time, and
            // nothing is there yet. From here on nothing waits, and a signal is heard when the loop turns: it finds every
            // port, and removes what has to be removed.
            signals = new Signals(First) { LetsThrough = IsStuck };
            signals.OnTerminate(_ => Terminate());
            signals.OnHangUp(ReloadAll);
            signals.OnUser1(() => ServerStatistics.Log(_log, _workers));
            ListeningPort[] ports = Bind(listeners, places);
            ServeMetrics(metrics);
            lock (_gate)
            {
                StartWorkers();
                if (SayReady(listeners, ports) is var error and not Errno.None)
                {
                    return CommandRunner.Fail($"cannot write standard output: {error.Sentence()}");
                }

                _isReady = true;
            }

            Systemd.NotifyReady();
            BeWatched();
            MemoryKeeper.Attach(First);
            RunWorkers();
            return _isBroken ? ExitCode.Failure : ExitCode.Success;
        }
        catch (CannotListenError error)
        {
            return CommandRunner.Fail(error.Message);
        }
        finally
        {
            // Not disposed of: the process ends, and until then no signal may cost it its exit code.
            signals?.Retire();
            foreach (Worker worker in _workers)
            {
                worker.Reactor.Dispose();
            }
        }
    }

    private Reactor First => _workers[0].Reactor;

    /// <summary>Where each listens, in numbers; systemd has bound the first ones already, if any.</summary>
    private static SocketAddress[] Resolve(IReadOnlyList<Listener> listeners)
    {
        var places = new SocketAddress[listeners.Count];
        for (int i = Systemd.InheritedListeners().Count; i < places.Length; i++)
        {
            places[i] = Resolver.ResolveNow(listeners[i].Where)[0];
        }

        return places;
    }

    /// <summary>All ports are bound before any is served: a server starts whole or not at all.</summary>
    /// <returns>A port of each listener.</returns>
    private ListeningPort[] Bind(IReadOnlyList<Listener> listeners, SocketAddress[] places)
    {
        var ports = new ListeningPort[listeners.Count];
        (nint firstInherited, int inheritedCount) = Systemd.InheritedListeners();
        for (int i = 0; i < listeners.Count; i++)
        {
            Listener listener = listeners[i];
            nint inherited = i < inheritedCount ? firstInherited + i : -1;
            bool oneWorker = listener.HasOneWorker || listener.Where.IsUnix || inherited >= 0;
            Worker owner = _workers[oneWorker ? i % _workers.Count : 0];
            var how = new ListenOptions
            {
                SendTimeout = _options.SendTimeout,
                Sharing = !oneWorker && _workers.Count > 1 ? PortSharing.First : PortSharing.None,
                Failed = () => First.CallFromThread(EndBroken),
            };
            ports[i] = owner.Listen(listener, places[i], how, inherited);
            if (how.Sharing == PortSharing.First)
            {
                Join(listener, places[i].WithPort(ports[i].Address.Port), how);
            }
        }

        return ports;
    }

    /// <summary>The workers after the first share the port that it was given.</summary>
    private void Join(Listener listener, in SocketAddress place, ListenOptions how)
    {
        how = how with { Sharing = PortSharing.Joining };
        for (int i = 1; i < _workers.Count; i++)
        {
            _ = _workers[i].Listen(listener, place, how, inherited: -1);
        }
    }

    /// <param name="where">The default for nowhere.</param>
    private void ServeMetrics(in SocketAddress where)
    {
        if (where.Kind == AddressKind.None)
        {
            return;
        }

        _statistics = new ServerStatistics(First, _workers, Metrics);
        var factory = new MetricsServerFactory(_statistics, First);

        // Not one of the worker's ports: it goes on telling while the server drains, and its clients are not counted.
        var limit = new ConnectionLimit((int)Math.Clamp(_budget.Kept, 1, MostMetricsConnections));
        var how = new ListenOptions { IgnoredByDrain = true, Limit = limit };
        ListeningPort port = where.Kind == AddressKind.Unix
            ? First.ListenUnix(where.Path, factory, how)
            : First.ListenTcp(where, factory, how);
        ServerLog.MetricsStarted(_log, port.Address);
    }

    /// <summary>Writes the ready lines.</summary>
    /// <returns>Why somebody who waits for them would wait for ever. That nobody reads them is none: a closed standard
    /// output, a reader that has gone.</returns>
    private Errno SayReady(IReadOnlyList<Listener> listeners, ListeningPort[] ports)
    {
        for (int i = 0; i < listeners.Count; i++)
        {
            Volatile.Write(ref _writesReadySinceMs, Environment.TickCount64);
            string ready = TextEscaper.EscapeLine($"{listeners[i].Title} on {ports[i].Address}.");
            Errno error = StandardStreams.WriteAll(StandardStreams.Output, $"{ready}\n");
            Volatile.Write(ref _writesReadySinceMs, 0);
            if (error is not (Errno.None or Errno.EPIPE or Errno.EBADF))
            {
                return error;
            }
        }

        return Errno.None;
    }

    /// <summary>
    /// Does a ready line wait for somebody to read it? Then the loop does not turn, and a signal that is left to it would
    /// not be heard: it has to end the process by itself. On a thread of the runtime's.
    /// </summary>
    private bool IsStuck() =>
        Volatile.Read(ref _writesReadySinceMs) is not 0 and var sinceMs && Environment.TickCount64 - sinceMs > LongWriteMs;

    private void RunWorkers()
    {
        RunGuarded(_workers[0]);
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        if (_failure is { } failure)
        {
            throw new InvalidOperationException($"a worker has failed: {failure.Message}", failure);
        }
    }

    /// <summary>
    /// A loop that breaks takes the whole server with it, and in good order: half a server that looks alive helps nobody,
    /// and an exception that leaves a thread would end the process on the spot.
    /// </summary>
    private void RunGuarded(Worker worker)
    {
        try
        {
            worker.Run();
        }
#pragma warning disable CA1031 // Whatever it was, it is reported by the thread that the server began on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _ = Interlocked.CompareExchange(ref _failure, exception, null);
            foreach (Worker another in _workers)
            {
                another.Reactor.CallFromThread(() => another.Drain(TimeSpan.Zero));
            }
        }

        if (worker.Reactor != First)
        {
            First.CallFromThread(OneIsDone);
        }
    }

    /// <summary>On the first reactor's thread.</summary>
    private void OneIsDone()
    {
        if (--_busyWorkers == 0 && First.Running)
        {
            First.Stop();
        }
    }

    /// <summary>Twice in the time that systemd allows, if the loops turn: a server that hangs is killed and started anew.</summary>
    private void BeWatched()
    {
        if (Systemd.WatchdogInterval() is { } interval)
        {
            TimeSpan half = interval / 2 > ShortestWatch ? interval / 2 : ShortestWatch;
            _ = new LoopingCall(First, TellAlive).Start(half);
        }
    }

    private void TellAlive()
    {
        bool all = true;
        foreach (Worker worker in _workers)
        {
            all &= worker.HasTurned();
        }

        if (all)
        {
            Systemd.NotifyAlive();
        }
    }

    private void ReloadAll()
    {
        // Who ends needs no new poems, and systemd is not to hear of a service that reloads while it stops.
        if (Reload is not null && _signalsSeen == 0)
        {
            Systemd.NotifyReloading();
            _ = Reload(First).AddBoth(this, static (host, _) => host.NotifyReloaded());
        }
    }

    private void NotifyReloaded()
    {
        if (_signalsSeen == 0)
        {
            Systemd.NotifyReady();
        }
    }

    /// <summary>A server without one of its ports only looks alive: it ends, kindly, and whoever watches it starts it anew.</summary>
    private void EndBroken()
    {
        if (!_isBroken && _signalsSeen == 0)
        {
            Terminate();
        }

        _isBroken = true;
    }

    /// <summary>The first signal lets what is in flight finish, the second does not.</summary>
    private void Terminate()
    {
        bool first = ++_signalsSeen == 1;
        TimeSpan patience = first ? _options.Drain : TimeSpan.Zero;
        _statistics?.StopBeingReady();
        Systemd.NotifyStopping();
        foreach (Worker worker in _workers)
        {
            if (worker.Reactor == First)
            {
                worker.Drain(patience);
            }
            else
            {
                worker.Reactor.CallFromThread(() => worker.Drain(patience));
            }
        }
    }
}
