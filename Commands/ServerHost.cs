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
/// <param name="MakeFactory">Makes the factory of one reactor; called on the thread of <see cref="ServerHost.Run"/>.</param>
internal sealed record Listener(string Title, Endpoint Where, Func<Reactor, Factory> MakeFactory);

/// <summary>
/// What all servers share: reactors on their threads, ports bound before any is served, ready lines, signals, and the
/// end: no more clients, those in flight finished within the drain time, the rest reset.
/// </summary>
/// <remarks>
/// The first reactor runs on the thread of <see cref="Run"/> and hears the signals; the others are told by
/// <see cref="Reactor.CallFromThread"/>. Each has its own listeners on shared ports, and its share of the limit.
/// </remarks>
internal sealed class ServerHost
{
    /// <summary>
    /// Kept back from the descriptor limit: standard streams, poller, wakers, listeners and their reserves, upstreams,
    /// metrics.
    /// </summary>
    private const int ReservedDescriptors = 64;

    /// <summary>While the server ends, clients that have everything and do not close get no more than this.</summary>
    private static readonly TimeSpan LastLinger = TimeSpan.FromSeconds(0.5);

    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly List<Worker> _workers = [];
    private int _signalsSeen;

    public ServerHost(ServerOptions options, ILogger log)
    {
        _options = options;
        _log = log;
    }

    /// <summary>What SIGHUP does besides; null for nothing.</summary>
    public Action? Reload { get; init; }

    /// <summary>Serves until it is told to end.</summary>
    /// <param name="listeners">At least one.</param>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<Listener> listeners)
    {
        int limit = LimitPerWorker();
        for (int i = 0; i < _options.Workers; i++)
        {
            _workers.Add(new Worker(new Reactor(_log), limit, _log));
        }

        try
        {
            Bind(listeners);
            using var signals = new Signals(_workers[0].Reactor);
            signals.OnTerminate(_ => Terminate());
            signals.OnHangUp(() => Reload?.Invoke());
            AnnounceReady(listeners);
            RunWorkers();
            return ExitCode.Success;
        }
        catch (CannotListenError error)
        {
            _ = CommandRunner.Fail(error.Message);
            return ExitCode.Failure;
        }
        finally
        {
            foreach (Worker worker in _workers)
            {
                worker.Reactor.Dispose();
            }
        }
    }

    private int LimitPerWorker()
    {
        long descriptors = NativeProcess.RaiseOpenFileLimit();
        long most = _options.MaxConnections ?? Math.Max(1, descriptors - ReservedDescriptors);
        return most == 0 ? 0 : (int)Math.Clamp((most + _options.Workers - 1) / _options.Workers, 1, int.MaxValue);
    }

    /// <summary>All ports are bound before any is served: a server starts whole or not at all.</summary>
    private void Bind(IReadOnlyList<Listener> listeners)
    {
        foreach (Listener listener in listeners)
        {
            Endpoint where = listener.Where;
            foreach (Worker worker in _workers)
            {
                ListeningPort port = worker.Listen(listener, where, _options);
                // Those after the first share the port that it was given.
                where = where.IsUnix ? where : Endpoint.Tcp(where.Host, port.Address.Port);
            }
        }
    }

    private void AnnounceReady(IReadOnlyList<Listener> listeners)
    {
        for (int i = 0; i < listeners.Count; i++)
        {
            _ = StandardStreams.WriteAll(StandardStreams.Output, $"{listeners[i].Title} on {_workers[0].Ports[i].Address}.\n");
        }
    }

    private void RunWorkers()
    {
        var threads = new List<Thread>();
        foreach (Worker worker in _workers)
        {
            if (worker != _workers[0])
            {
                var thread = new Thread(worker.Reactor.Run) { Name = "worker" };
                thread.Start();
                threads.Add(thread);
            }
        }

        _workers[0].Reactor.Run();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
    }

    /// <summary>The first signal lets what is in flight finish, the second does not.</summary>
    private void Terminate()
    {
        bool first = ++_signalsSeen == 1;
        foreach (Worker worker in _workers)
        {
            TimeSpan patience = first ? _options.Drain : TimeSpan.Zero;
            if (worker == _workers[0])
            {
                worker.Drain(patience);
            }
            else
            {
                worker.Reactor.CallFromThread(() => worker.Drain(patience));
            }
        }
    }

    /// <summary>One reactor with its ports.</summary>
    private sealed class Worker(Reactor reactor, int limit, ILogger log)
    {
        private readonly ConnectionLimit? _limit = limit == 0 ? null : new ConnectionLimit(limit);
        private bool _draining;

        public Reactor Reactor => reactor;

        public List<ListeningPort> Ports { get; } = [];

        public ListeningPort Listen(Listener listener, Endpoint where, ServerOptions options)
        {
            Factory factory = listener.MakeFactory(reactor);
            var how = new ListenOptions
            {
                SendTimeout = options.SendTimeout,
                SharesPort = options.Workers > 1,
                Limit = _limit,
            };
            ListeningPort port = where.IsUnix
                ? reactor.ListenUnix(where.UnixPath, factory, how)
                : reactor.ListenTcp(AddressOf(where), factory, how);
            Ports.Add(port);
            return port;
        }

        /// <summary>Takes no more clients, and ends when the last has gone or the time is over.</summary>
        public void Drain(TimeSpan patience)
        {
            if (!reactor.Running)
            {
                return;
            }

            foreach (ListeningPort port in Ports)
            {
                port.FinishListening();
            }

            if (patience == TimeSpan.Zero)
            {
                reactor.Stop();
                return;
            }

            if (_draining)
            {
                return;
            }

            _draining = true;
            reactor.HurryLingering(LastLinger);
            ServerLog.Draining(log, reactor.Connections, patience.TotalSeconds);
            if (patience < TimeSpan.MaxValue)
            {
                _ = reactor.CallLater(patience, this, static worker => worker.StopIfRunning());
            }

            reactor.WhenNoConnections(StopIfRunning);
        }

        private static SocketAddress AddressOf(Endpoint where) =>
            where.TryGetAddress(out SocketAddress address)
                ? address
                : throw new CannotListenError(where.ToString(), Errno.EADDRNOTAVAIL);

        private void StopIfRunning()
        {
            if (reactor.Running)
            {
                reactor.Stop();
            }
        }
    }
}
