using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Runs a server, for all commands that serve: binds sockets, starts services, runs workers and handles signals. The first signal
/// stops the services in reverse order: the metrics, which then report "not ready", and the workers, whose connections get the
/// drain time.
/// </summary>
internal sealed class ServerHost(ServerOptions options, PoetryLogger log)
{
    /// <summary>The maximum number of metrics connections: a few scrapers and probers, and space for one that misbehaves.</summary>
    private const int MaxMetricsConnections = 32;

    /// <summary>The memory of an idle connection: 1.0 KB here and 1.5 KB in the kernel, measured with 15,000 of them in a control
    /// group.</summary>
    private const int BytesPerConnection = 3 * 1024;

    /// <summary>Connections may use one quarter of the memory; a cache or requests may use half.</summary>
    private const int ConnectionMemoryDivisor = 4;

    /// <summary>The minimum wait for the log: enough for the last records of a log that is read.</summary>
    private static readonly TimeSpan MinTimeForLog = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan MaxTimeForLog = TimeSpan.FromSeconds(1);

    /// <summary>The minimum watchdog period: a shorter WATCHDOG_USEC would keep the loop busy with notifications.</summary>
    private static readonly TimeSpan MinWatchdogPeriod = TimeSpan.FromMilliseconds(10);

    private readonly MultiService _services = new();
    private WorkerThreads? _threads;
    private Listeners? _listeners;
    private DescriptorBudget _budget;
    private bool _hasFailed;
    private bool _reloads;
    private bool _reloadsAgain;
    private TimeSpan _drainStart;

    /// <summary>
    /// Called on SIGHUP, on the first worker's thread; null for nothing. Fires when all is reloaded; fails with an
    /// <see cref="IOException"/> that says why the listeners stay as they are.
    /// </summary>
    public Func<ServerHost, Deferred<Unit>>? Reload { get; init; }

    /// <summary>Descriptors that a connection needs: 2 if it may need one to an upstream.</summary>
    public int DescriptorsPerClient { get; init; } = 1;

    /// <summary>
    /// The maximum number of upstream connections of a worker: half of its clients. If an upstream leads back here through
    /// another server, the other half can still connect. Known before the factories are made.
    /// </summary>
    public int MaxUpstreamsPerWorker => (int)Math.Clamp(_budget.MaxUpstreams / Workers, 1, int.MaxValue);

    /// <summary>Adds the command's own figures to the metrics page; null for none. On the first worker's thread.</summary>
    public Action<MetricsPage>? Metrics { get; init; }

    /// <summary>The number of workers. Known before the factories are made.</summary>
    public int Workers => _threads!.All.Count;

    public Reactor First => _threads!.First;

    public PoetryLogger Log => log;

    /// <summary>Changes the listeners, for <see cref="Reload"/>.</summary>
    /// <param name="wanted">All listeners that the server is to have now.</param>
    /// <returns>Fires with false if nothing was changed because the server stops. Fails with an <see cref="IOException"/> if
    /// nothing was changed because a listener can't be opened. Do not cancel it: see <see cref="Listeners.Update"/>.</returns>
    public async Deferred<bool> Update(List<Listener> wanted)
    {
        if (_services.Running)
        {
            await _listeners!.Update(wanted, log);
            return true;
        }

        return false;
    }

    /// <summary>Serves until a signal ends it.</summary>
    /// <param name="served">At least one listener.</param>
    /// <returns>The exit code.</returns>
    public int Run(List<Listener> served)
    {
        Signals? signals = null;
        try
        {
            SignalQueue.Open(isServer: true);
            if (!InheritedSockets.AreNamed(served) && Systemd.CloseUnused(served.Count) is var closed and not 0)
            {
                ServerLog.InheritedSocketsClosed(log, closed, $"{served.Count}");
            }

            // A look-up may take long; a signal ends it.
            Listeners listeners = _listeners = new Listeners(served);
            SocketAddress[] metrics = options.Metrics is { } endpoint ? Resolver.ResolveNow(endpoint) : [];
            MakeWorkers(listeners);
            signals = new Signals(First);
            signals.OnTerminate(_ => Terminate());
            signals.OnHangUp(OnHangUp);
            signals.OnUser2(log.Buffer.Reopen);
            signals.OnUser1(() => ServerStatistics.Write(log, _threads!.All));
            listeners.Bind(_threads!.All, new ListenOptions
            {
                SendTimeout = options.SendTimeout,
                ExpectsProxyHeader = options.ProxyProtocol,
                AddressLimit = options.MaxPerAddress == 0 ? null : new AddressLimit(options.MaxPerAddress),
                Failed = () => First.CallFromThread(OnListenerFailed),
            });
            _services.AddService(_threads);
            if (metrics.Length > 0)
            {
                int limit = (int)Math.Clamp(_budget.Reserve, 1, MaxMetricsConnections);
                _services.AddService(new ServerStatistics(_threads.All, metrics, limit, Metrics, log));
            }

            _services.StartService();
            NotifyReady(listeners);
            _threads.Run();
            log.Buffer.DisposeTimeout = TimeForLog();
            return _hasFailed ? ExitCode.Failure : ExitCode.Success;
        }
        finally
        {
            // The signals are not disposed: the process ends, and until then no signal may change its exit code.
            _threads?.Dispose();
        }
    }

    /// <summary>Makes the number of workers that the user asked for, but none without a listener or without clients.</summary>
    /// <exception cref="IOException">The limit of open files is too low.</exception>
    private void MakeWorkers(Listeners listeners)
    {
        long limit = NativeProcess.RaiseOpenFileLimit();
        int asked = Math.Min(options.Workers, listeners.MaxWorkers);
        _budget = DescriptorBudget.Divide(limit, new DescriptorBudget.Needs
        {
            Open = NativeProcess.CountDescriptors(limit),
            Workers = asked,
            SharedPorts = listeners.SharedPorts,
            OtherPorts = listeners.OtherPorts + (options.Metrics is null ? 0 : 1),
            DescriptorsPerClient = DescriptorsPerClient,
            MemoryConnections = AvailableMemory.Bytes() / ConnectionMemoryDivisor / BytesPerConnection,
            MaxConnections = options.MaxConnections,
        });
        if (limit < _budget.MinLimit)
        {
            throw new IOException($"the limit of open files, {limit}, is too low: to serve a few clients at once takes {_budget.MinLimit}");
        }

        int workers = _budget.Workers;
        if (workers < options.Workers)
        {
            string why = workers < asked && workers == options.MaxConnections ? $"the limit of connections is {workers}"
                : workers < asked ? $"the limit of open files is {limit}"
                : listeners.WhyFewWorkers;
            ServerLog.WorkersLimited(log, workers, $"{options.Workers} were asked for, but {why}");
        }

        _threads = new WorkerThreads(workers, _budget.MaxConnections, options.Drain, log);
    }

    /// <summary>Writes the ready lines, tells systemd that the server is ready, and starts the notifications of the watchdog.</summary>
    /// <exception cref="IOException">Standard output cannot be written.</exception>
    /// <exception cref="EndedBySignalError">A signal ends the command while nothing reads the lines.</exception>
    private void NotifyReady(Listeners listeners)
    {
        foreach (string line in listeners.ReadyLines())
        {
            // EPIPE and EBADF are not errors here: the reader has closed its end.
            Errno error = StandardStreams.WriteAll(StandardStreams.Output, $"{TextEscaper.EscapeLine(line)}\n");
            if (error is not (Errno.None or Errno.EPIPE or Errno.EBADF))
            {
                throw error == Errno.EINTR
                    ? new EndedBySignalError()
                    : new IOException($"cannot write standard output: {error.Sentence()}");
            }
        }

        Systemd.NotifyReady();
        if (Systemd.WatchdogInterval() is { } interval)
        {
            // Twice in each interval, also while the server drains: systemd restarts one that hangs.
            TimeSpan half = interval / 2 > MinWatchdogPeriod ? interval / 2 : MinWatchdogPeriod;
            _ = new LoopingCall(First, NotifyWatchdog).Start(half);
        }
    }

    private void NotifyWatchdog()
    {
        if (_threads!.CheckAlive())
        {
            Systemd.NotifyAlive();
        }
    }

    private void OnHangUp()
    {
        // A server that stops needs no new poems, and must not report a reload to systemd.
        if (Reload is null || !_services.Running)
        {
            return;
        }

        // A reload may take a while. All signals during it cause one more reload.
        _reloadsAgain = _reloads;
        if (!_reloads)
        {
            _reloads = true;
            Systemd.NotifyReloading();
            _ = ReloadOnce(Reload);
        }
    }

    private async Deferred<Unit> ReloadOnce(Func<ServerHost, Deferred<Unit>> reload)
    {
        try
        {
            return await reload(this);
        }
        catch (IOException error)
        {
            ServerLog.ListenersKept(log, error.Message);
            return default;
        }
        finally
        {
            OnReloaded();
        }
    }

    private void OnReloaded()
    {
        _reloads = false;
        if (_reloadsAgain)
        {
            _reloadsAgain = false;
            OnHangUp();
        }
        else if (_services.Running)
        {
            Systemd.NotifyReady();
        }
    }

    /// <summary>Drains and ends a server that has lost a listener. It would only look alive; a supervisor can restart it.</summary>
    private void OnListenerFailed()
    {
        _hasFailed = true;
        if (_services.Running)
        {
            Terminate();
        }
    }

    /// <summary>The rest of the drain time, within limits, so that a log that blocks does not delay the end much further.</summary>
    private TimeSpan TimeForLog()
    {
        TimeSpan left = options.Drain - (First.Now - _drainStart);
        return left < MinTimeForLog ? MinTimeForLog : left > MaxTimeForLog ? MaxTimeForLog : left;
    }

    /// <summary>Stops the server. The first signal lets running transfers finish, the second does not.</summary>
    private void Terminate()
    {
        if (_services.Running)
        {
            _drainStart = First.Now;
            Systemd.NotifyStopping();
            _ = _services.StopService();
        }
        else
        {
            _threads!.Drain(TimeSpan.Zero);
        }
    }
}
