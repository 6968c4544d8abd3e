using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// The workers of a server and their threads, as a service: starting it starts the threads, stopping it drains the workers. The
/// first worker runs on the thread of <see cref="Run"/>, gets the signals and ends last; each of the others has its own thread.
/// </summary>
/// <remarks>
/// Crosses threads: the other workers are called with <see cref="Reactor.CallFromThread(Action)"/>, and an interlocked exchange
/// keeps the first failure.
/// </remarks>
internal sealed class WorkerThreads : Service
{
    private readonly List<Worker> _workers = [];
    private readonly List<Thread> _threads = [];

    private readonly TimeSpan _drain;
    private readonly Deferred<Unit> _ended = new();

    /// <summary><see cref="Run"/> opens the gate: until the server is ready, no other worker's loop runs.</summary>
    private readonly object _gate = new();
    private bool _mayRun;
    private int _running;
    private Exception? _failure;

    /// <param name="count">The number of workers; 1 or more.</param>
    /// <param name="maxConnections">The maximum for all workers together; 0 for no limit. The shares add up to exactly this number.</param>
    /// <param name="drain">The time that connections have to finish when the service stops; zero ends at once.</param>
    /// <param name="log">Shared by all workers.</param>
    public WorkerThreads(int count, long maxConnections, TimeSpan drain, ILogger log)
    {
        _drain = drain;
        for (int i = 0; i < count; i++)
        {
            long share = (maxConnections / count) + (i < maxConnections % count ? 1 : 0);
            var worker = new Worker((int)Math.Min(share, int.MaxValue), log);
            _workers.Add(worker);
            worker.Reactor.Prepare();
        }
    }

    public Reactor First => _workers[0].Reactor;

    public List<Worker> All => _workers;

    /// <summary>Starts the threads, which wait for <see cref="Run"/>.</summary>
    /// <exception cref="IOException">The system allows no more threads.</exception>
    public override void StartService()
    {
        base.StartService();
        _running = _workers.Count;
        _workers[0].Drained = OnWorkerEnded;
        for (int i = 1; i < _workers.Count; i++)
        {
            Worker worker = _workers[i];
            worker.HasOwnThread = true;

            // A background thread: one that waits at the gate does not keep the process alive if the start fails.
            var thread = new Thread(() => RunAfterGate(worker)) { Name = "worker", IsBackground = true };
            try
            {
                thread.Start();
            }
            catch (OutOfMemoryException)
            {
                // The runtime throws this if the system refuses a thread.
                throw new IOException("cannot start a worker: no thread is left for it");
            }

            _threads.Add(thread);
        }
    }

    /// <summary>Accepts no more connections; running transfers get the drain time. On the first worker's thread.</summary>
    /// <returns>Fires when all workers have drained. Cancelling it does not end them.</returns>
    public override Deferred StopService()
    {
        Drain(_drain);
        _ = base.StopService();
        return _ended;
    }

    /// <summary>Runs the first worker, and returns when all have ended.</summary>
    /// <exception cref="InvalidOperationException">A worker has failed.</exception>
    public void Run()
    {
        lock (_gate)
        {
            _mayRun = true;
            Monitor.PulseAll(_gate);
        }

        RunGuarded(_workers[0]);
        _threads.ForEach(static thread => thread.Join());

        if (_failure is { } failure)
        {
            throw new InvalidOperationException($"a worker has failed: {failure.Message}", failure);
        }
    }

    /// <summary>Ends all workers. On the first worker's thread.</summary>
    /// <param name="timeout">The time that connections have to finish; zero ends at once.</param>
    public void Drain(TimeSpan timeout) => _workers.ForEach(worker => worker.Call(() => worker.Drain(timeout)));

    /// <summary>True if every loop has turned since the last call. On the first worker's thread.</summary>
    public bool CheckAlive()
    {
        bool all = true;
        foreach (Worker worker in _workers)
        {
            all &= worker.CheckAlive();
        }

        return all;
    }

    /// <summary>Frees the reactors, once <see cref="Run"/> has returned or the start has failed.</summary>
    public void Dispose() => _workers.ForEach(static worker => worker.Reactor.Dispose());

    private void RunAfterGate(Worker worker)
    {
        lock (_gate)
        {
            while (!_mayRun)
            {
                _ = Monitor.Wait(_gate);
            }
        }

        RunGuarded(worker);
    }

    /// <summary>
    /// Runs a worker. If its loop fails, all workers end in good order: half a server would look alive, and an exception that
    /// leaves a thread would end the process at once.
    /// </summary>
    private void RunGuarded(Worker worker)
    {
        try
        {
            worker.Run();
        }
#pragma warning disable CA1031 // Any exception is reported by the thread on which the server began.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _ = Interlocked.CompareExchange(ref _failure, exception, null);
            _workers.ForEach(static another => another.Reactor.CallFromThread(() => another.Drain(TimeSpan.Zero)));
        }

        if (worker.HasOwnThread)
        {
            First.CallFromThread(OnWorkerEnded);
        }
    }

    /// <summary>Called on the first worker's thread.</summary>
    private void OnWorkerEnded()
    {
        if (--_running == 0 && First.Running)
        {
            First.Stop();
            _ended.Callback(default);
        }
    }
}
