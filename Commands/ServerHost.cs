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
/// <see cref="Reactor.CallFromThread"/>. Each has its own listeners on shared ports, and its share of the limit.
/// </remarks>
internal sealed class ServerHost
{
    /// <summary>
    /// Kept back from the descriptor limit: standard streams, pollers, wakers, listeners and their reserves, upstreams,
    /// metrics.
    /// </summary>
    private const int ReservedDescriptors = 64;

    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly List<Worker> _workers = [];
    private ServerStatistics? _statistics;
    private int _signalsSeen;

    /// <summary>Makes a host that serves nothing yet.</summary>
    public ServerHost(ServerOptions options, ILogger log)
    {
        _options = options;
        _log = log;
    }

    /// <summary>What SIGHUP does; null for nothing. On the first reactor's thread.</summary>
    public Action? Reload { get; init; }

    /// <summary>Adds the command's own figures to the metrics page; null for none. On the first reactor's thread.</summary>
    public Action<MetricsPage>? Metrics { get; init; }

    /// <summary>Serves until it is told to end.</summary>
    /// <param name="listeners">At least one.</param>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<Listener> listeners)
    {
        try
        {
            UnhandledFailures.Sink = (what, failure) => ReactorLog.UnhandledError(_log, what, failure.Exception);
            int limit = LimitPerWorker();
            for (int i = 0; i < _options.Workers; i++)
            {
                _workers.Add(new Worker(limit, _log));
            }

            var ports = Bind(listeners);
            ServeMetrics();
            using var signals = new Signals(First);
            signals.OnTerminate(_ => Terminate());
            signals.OnHangUp(ReloadAll);
            signals.OnUser1(() => ServerStatistics.Log(_log, _workers));
            BeWatched();
            for (int i = 0; i < listeners.Count; i++)
            {
                _ = StandardStreams.WriteAll(StandardStreams.Output, $"{listeners[i].Title} on {ports[i].Address}.\n");
            }

            Systemd.NotifyReady();
            NativeProcess.ForgetStartUpCode();
            RunWorkers();
            return ExitCode.Success;
        }
        catch (CannotListenError error)
        {
            return CommandRunner.Fail(error.Message);
        }
        finally
        {
            foreach (Worker worker in _workers)
            {
                worker.Reactor.Dispose();
            }
        }
    }

    private Reactor First => _workers[0].Reactor;

    private int LimitPerWorker()
    {
        long descriptors = NativeProcess.RaiseOpenFileLimit();
        long most = _options.MaxConnections ?? Math.Max(1, descriptors - ReservedDescriptors - (8L * _options.Workers));
        return most == 0 ? 0 : (int)Math.Clamp((most + _options.Workers - 1) / _options.Workers, 1, int.MaxValue);
    }

    /// <summary>All ports are bound before any is served: a server starts whole or not at all.</summary>
    /// <returns>A port of each listener.</returns>
    private ListeningPort[] Bind(IReadOnlyList<Listener> listeners)
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
                SharesPort = !oneWorker && _workers.Count > 1,
            };
            ports[i] = owner.Listen(listener, listener.Where, how, inherited);
            if (how.SharesPort)
            {
                Join(listener, ports[i].Address.Port, how);
            }
        }

        return ports;
    }

    /// <summary>The workers after the first share the port that it was given.</summary>
    private void Join(Listener listener, int port, ListenOptions how)
    {
        how = how with { SharesPort = false, JoinsPort = true };
        for (int i = 1; i < _workers.Count; i++)
        {
            _ = _workers[i].Listen(listener, Endpoint.Tcp(listener.Where.Host, port), how, inherited: -1);
        }
    }

    private void ServeMetrics()
    {
        if (_options.Metrics is not { } where)
        {
            return;
        }

        _statistics = new ServerStatistics(First, _workers, Metrics);
        var factory = new MetricsServerFactory(_statistics, First);

        // Not one of the worker's ports: it goes on telling while the server drains, and its clients are not counted.
        ListeningPort port = where.IsUnix
            ? First.ListenUnix(where.UnixPath, factory)
            : First.ListenTcp(Resolver.ResolveNow(where), factory);
        ServerLog.ServingMetrics(_log, port.Address);
    }

    private void RunWorkers()
    {
        var threads = new List<Thread>();
        foreach (Worker worker in _workers)
        {
            if (worker.Reactor != First)
            {
                var thread = new Thread(worker.Reactor.Run) { Name = "worker" };
                thread.Start();
                threads.Add(thread);
            }
        }

        First.Run();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
    }

    /// <summary>Twice in the time that systemd allows, from the loop: a loop that hangs is killed and started anew.</summary>
    private void BeWatched()
    {
        if (Systemd.WatchdogInterval() is { } interval)
        {
            _ = new LoopingCall(First, Systemd.NotifyAlive).Start(interval / 2);
        }
    }

    private void ReloadAll()
    {
        if (Reload is not null)
        {
            Systemd.NotifyReloading();
            Reload();
            Systemd.NotifyReady();
        }
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
