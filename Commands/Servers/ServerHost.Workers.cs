using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>How many reactors there are, how many clients each may have, and their threads. Crosses threads.</content>
internal sealed partial class ServerHost
{
    /// <summary>
    /// As many as were asked for, but none that would have nothing to do or no clients. The limit is divided among them to
    /// the last connection: one that rounds up would let in more than was asked for.
    /// </summary>
    /// <returns>What is wrong with the limit of open files, or null.</returns>
    private string? MakeWorkers(IReadOnlyList<Listener> listeners)
    {
        long limit = NativeProcess.RaiseOpenFileLimit();
        int asked = Math.Min(_options.Workers, WorkersOfUse(listeners));
        int shared = SharedPorts(listeners);
        _budget = DescriptorBudget.Divide(limit, new DescriptorBudget.Needs
        {
            Open = NativeProcess.CountDescriptors(limit),
            Workers = asked,
            SharedPorts = shared,
            OtherPorts = listeners.Count - shared + (_options.Metrics is null ? 0 : 1),
            DescriptorsPerClient = DescriptorsPerClient,
            AskedConnections = _options.MaxConnections,
        });
        if (limit < _budget.Least)
        {
            return $"the limit of open files, {limit}, is too low: to serve a few clients at once takes {_budget.Least}";
        }

        int workers = _budget.Workers;
        if (workers < asked && workers < (_options.MaxConnections is null or 0 ? asked : _options.MaxConnections))
        {
            ServerLog.WorkersLimited(_log, workers, $"{asked} were asked for, but the limit of open files is {limit}");
        }

        for (int i = 0; i < workers; i++)
        {
            long share = (_budget.Connections / workers) + (i < _budget.Connections % workers ? 1 : 0);
            var worker = new Worker((int)Math.Min(share, int.MaxValue), _log);
            _workers.Add(worker);
            worker.Reactor.Prepare();
        }

        return null;
    }

    /// <summary>How many listeners every worker has a socket for.</summary>
    private static int SharedPorts(IReadOnlyList<Listener> listeners)
    {
        int shared = 0;
        for (int i = Systemd.InheritedListeners().Count; i < listeners.Count; i++)
        {
            shared += !listeners[i].HasOneWorker && !listeners[i].Where.IsUnix ? 1 : 0;
        }

        return shared;
    }

    /// <summary>A listener that can't be shared occupies one worker; one that can be occupies all.</summary>
    private static int WorkersOfUse(IReadOnlyList<Listener> listeners) =>
        SharedPorts(listeners) > 0 ? int.MaxValue : listeners.Count;

    /// <summary>Starts the threads of all workers but the first, which wait for the ready line, as clients do.</summary>
    /// <exception cref="IOException">There are not so many threads.</exception>
    private void StartWorkers()
    {
        // The first hears the signals, feeds the watchdog and tells the figures: it ends last.
        _busyWorkers = _workers.Count;
        _workers[0].WhenDone = OneIsDone;
        foreach (Worker worker in _workers)
        {
            if (worker.Reactor != First)
            {
                // In the background: whoever waits to begin does not keep a server alive that never gets ready.
                var thread = new Thread(() => RunWhenReady(worker)) { Name = "worker", IsBackground = true };
                try
                {
                    thread.Start();
                }
                catch (OutOfMemoryException)
                {
                    // So the runtime calls it.
                    throw new IOException("cannot start a worker: no thread is left for it");
                }

                _threads.Add(thread);
            }
        }
    }

    private void RunWhenReady(Worker worker)
    {
        lock (_gate)
        {
            if (!_isReady)
            {
                return;
            }
        }

        RunGuarded(worker);
    }
}
