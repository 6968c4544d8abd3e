using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>
/// Changing the listeners of a running server: new ones open, those that are gone stop and their connections drain, unchanged
/// ones go on. Where only what is served changes, the socket stays, so that no client is refused. On the first worker's thread;
/// sockets are opened and closed on the threads of their workers.
/// </content>
internal sealed partial class Listeners
{
    /// <summary>Applies another list of listeners.</summary>
    /// <param name="wanted">All listeners that the server is to have.</param>
    /// <param name="workers">Those of the server.</param>
    /// <param name="options">What all sockets have in common.</param>
    /// <param name="log">Where changes are logged.</param>
    /// <returns>Fires when it is done; fails with an <see cref="IOException"/> that says what can't be opened, and then nothing has
    /// changed. It is not to be cancelled: cancelling it leaves the sockets as they are.</returns>
    public async Deferred<Unit> Update(
        IReadOnlyList<Listener> wanted, IReadOnlyList<Worker> workers, ListenOptions options, ILogger log)
    {
        var gone = new List<Bound>(_bound);
        var added = new List<Listener>();
        foreach (Listener listener in wanted)
        {
            int same = gone.FindIndex(bound => bound.Listener.Key == listener.Key);
            if (same >= 0)
            {
                gone.RemoveAt(same);
            }
            else
            {
                added.Add(listener);
            }
        }

        if (InheritedSockets.AreNamed(wanted) || _inherited is not null)
        {
            (_inherited ?? new InheritedSockets([])).Check(wanted);
        }

        // Where the address stays the socket stays, for another factory.
        var replaced = new List<(Bound Old, Listener New)>();
        foreach (Listener listener in added.ToArray())
        {
            if (gone.Find(bound => bound.Listener.Address.Equals(listener.Address)) is { } old)
            {
                _ = gone.Remove(old);
                _ = added.Remove(listener);
                replaced.Add((old, listener));
            }
        }

        var opened = new List<Bound>();
        foreach (Listener listener in added)
        {
            try
            {
                await Open(listener, workers, options, opened);
            }
            catch (IOException error)
            {
                foreach (Bound bound in opened)
                {
                    await Close(bound, workers[0].Reactor);
                }

                throw new IOException(listener.Place + error.Message, error);
            }
        }

        foreach (Bound bound in gone)
        {
            await Close(bound, workers[0].Reactor);
            _ = _bound.Remove(bound);
            bound.Lines().ForEach(line => ServerLog.ListenerClosed(log, line));
        }

        foreach ((Bound old, Listener listener) in replaced)
        {
            Bound bound = await Replace(old, listener, workers[0].Reactor);
            _bound[_bound.IndexOf(old)] = bound;
            bound.Lines().ForEach(line => ServerLog.ListenerChanged(log, line));
        }

        foreach (Bound bound in opened)
        {
            _bound.Add(bound);
            bound.Lines().ForEach(line => ServerLog.ListenerOpened(log, line));
        }

        return default;
    }

    /// <summary>Opens the sockets of a listener, and adds them to a list, also those before a failure.</summary>
    private async Deferred<Unit> Open(
        Listener listener, IReadOnlyList<Worker> workers, ListenOptions options, List<Bound> opened)
    {
        Reactor first = workers[0].Reactor;
        bool isShared = !listener.IsSingleWorker && !listener.Address.IsUnix && workers.Count > 1;
        var bound = new Bound(listener);
        opened.Add(bound);

        // One worker for all addresses of a listener: what its connections share belongs to that worker.
        Worker owner = isShared ? workers[0] : WithFewestPorts(workers);
        if (listener.Address.InheritedName is { } name)
        {
            foreach (nint socket in _inherited!.Find(name))
            {
                Factory factory = owner.FactoryOf(listener);
                nint inherited = InheritedSockets.Duplicate(socket);
                bound.Ports.Add((owner, await On(owner, first, () => owner.Listen(factory, default, options, inherited))));
            }

            return default;
        }

        foreach (SocketAddress address in await Resolver.Resolve(first, listener.Address))
        {
            SocketAddress at = address;
            PortSharing sharing = isShared ? PortSharing.First : PortSharing.None;
            foreach (Worker worker in isShared ? workers : [owner])
            {
                // The factory is made on this thread: what the factories of a command share belongs to it.
                Factory factory = worker.FactoryOf(listener);
                SocketAddress where = at;
                ListenOptions how = options with { Sharing = sharing };
                ListeningPort port = await On(worker, first, () => worker.Listen(factory, where, how, inherited: -1));
                bound.Ports.Add((worker, port));

                // The other workers join the port that the first one was given.
                at = isShared ? at.WithPort(port.Address.Port) : at;
                sharing = PortSharing.Joining;
            }
        }

        return default;
    }

    private static async Deferred<Bound> Replace(Bound old, Listener listener, Reactor first)
    {
        var bound = new Bound(listener);
        foreach ((Worker worker, ListeningPort port) in old.Ports)
        {
            Factory factory = worker.FactoryOf(listener);
            bound.Ports.Add((worker, await On(worker, first, () => worker.Replace(port, factory))));
        }

        return bound;
    }

    private static async Deferred<Unit> Close(Bound bound, Reactor first)
    {
        foreach ((Worker worker, ListeningPort port) in bound.Ports)
        {
            _ = await On(worker, first, () =>
            {
                port.AcceptQueuedThenStop();
                return default(Unit);
            });
        }

        return default;
    }

    private static Worker WithFewestPorts(IReadOnlyList<Worker> workers)
    {
        Worker fewest = workers[0];
        foreach (Worker worker in workers)
        {
            fewest = worker.OpenPorts < fewest.OpenPorts ? worker : fewest;
        }

        return fewest;
    }

    /// <summary>Runs a call on a worker's thread.</summary>
    /// <returns>Fires on the first worker's thread with what the call returned.</returns>
    private static Deferred<T> On<T>(Worker worker, Reactor first, Func<T> call)
    {
        var done = new Deferred<T>();
        void Run()
        {
            try
            {
                T value = call();
                first.CallFromThread(() => done.Callback(value));
            }
            catch (Exception exception)
            {
                first.CallFromThread(() => done.Errback(new Failure(exception)));
            }
        }

        worker.Reactor.CallFromThread(Run);
        return done;
    }

    /// <summary>A listener with its sockets.</summary>
    private sealed class Bound(Listener listener)
    {
        public Listener Listener => listener;

        public List<(Worker Worker, ListeningPort Port)> Ports { get; } = [];

        /// <summary>What is served, on each address: of several workers' sockets one is named.</summary>
        public List<string> Lines()
        {
            var lines = new List<string>();
            foreach ((_, ListeningPort port) in Ports)
            {
                string line = $"{Listener.Title} on {port.Address}";
                if (!lines.Contains(line))
                {
                    lines.Add(line);
                }
            }

            return lines;
        }
    }
}
