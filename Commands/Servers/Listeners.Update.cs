using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>
/// Changes the listeners of a running server: new ones open, removed ones stop and their connections drain, unchanged ones go on.
/// If only the served resource changes, the socket stays, so no client is refused. Runs on the first worker's thread; sockets are
/// opened and closed on the threads of their workers.
/// </content>
internal sealed partial class Listeners
{
    private Reactor First => _workers[0].Reactor;

    /// <summary>Applies another list of listeners.</summary>
    /// <param name="wanted">All listeners that the server is to have.</param>
    /// <param name="log">The log for the changes.</param>
    /// <returns>Fires when all is changed. Fails with an <see cref="IOException"/> that says what can't be opened; nothing has
    /// changed then. Do not cancel it: cancelling leaves the sockets as they are.</returns>
    public async Deferred<Unit> Update(List<Listener> wanted, ILogger log)
    {
        var gone = new List<Bound>(_bound);
        var changed = new List<Listener>();
        foreach (Listener listener in wanted)
        {
            if (Take(gone, bound => bound.Listener.Key == listener.Key) is null)
            {
                changed.Add(listener);
            }
        }

        _inherited.Check(wanted);

        // If the address stays, the socket stays and gets another factory.
        var replaced = new List<(Bound Old, Listener New)>();
        var added = new List<Listener>();
        foreach (Listener listener in changed)
        {
            if (Take(gone, bound => bound.Listener.Address.Equals(listener.Address)) is { } old)
            {
                replaced.Add((old, listener));
            }
            else
            {
                added.Add(listener);
            }
        }

        var opened = new List<Bound>();
        foreach (Listener listener in added)
        {
            try
            {
                List<nint> sockets = _inherited.Find(listener);
                SocketAddress[] addresses = sockets.Count > 0 ? [] : await Resolver.Resolve(First, listener.Address);
                opened.Add(new Bound(listener, sockets, addresses));
                await Open(opened[^1]);
            }
            catch (IOException error)
            {
                foreach (Bound bound in opened)
                {
                    await Close(bound);
                }

                throw new IOException(listener.LinePrefix + error.Message, error);
            }
        }

        foreach (Bound bound in gone)
        {
            await Close(bound);
            _ = _bound.Remove(bound);
            bound.Lines().ForEach(line => ServerLog.ListenerClosed(log, line));
        }

        foreach ((Bound old, Listener listener) in replaced)
        {
            Bound bound = await Replace(old, listener);
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

    /// <summary>Removes the first listener that matches from a list, and returns it; null if none matches.</summary>
    private static Bound? Take(List<Bound> list, Predicate<Bound> matches)
    {
        Bound? found = list.Find(matches);
        return found is not null && list.Remove(found) ? found : null;
    }

    /// <summary>Opens the sockets of a listener. After a failure, the listener keeps those that were opened before.</summary>
    private async Deferred<Unit> Open(Bound bound)
    {
        bool isShared = bound.IsShared && _workers.Count > 1;

        // A listener that is not shared has one worker for all its sockets: that worker owns the state that its connections
        // share.
        Worker owner = isShared ? _workers[0] : WithFewestPorts();
        foreach (nint socket in bound.Inherited)
        {
            _ = await Listen(bound, owner, default, _options, socket);
        }

        foreach (SocketAddress address in bound.Addresses)
        {
            PortSharing sharing = isShared ? PortSharing.First : PortSharing.None;
            ListeningPort port = await Listen(bound, owner, address, _options with { Sharing = sharing });
            for (int i = 1; isShared && i < _workers.Count; i++)
            {
                // The port that the first worker got.
                SocketAddress same = address.WithPort(port.Address.Port);
                _ = await Listen(bound, _workers[i], same, _options with { Sharing = PortSharing.Joining });
            }
        }

        return default;
    }

    private async Deferred<ListeningPort> Listen(
        Bound bound, Worker worker, SocketAddress address, ListenOptions options, nint inherited = -1)
    {
        // The factory is made on this thread, which owns the state that the factories of a command share.
        Factory factory = bound.Listener.MakeFactory(worker);
        bool isNamed = bound.Listener.Address.InheritedName is not null;
        nint own = isNamed ? InheritedSockets.Duplicate(inherited) : inherited;
        ListeningPort port = await On(worker, () => worker.Listen(factory, address, options, own));
        bound.Ports.Add((worker, port));
        return port;
    }

    private async Deferred<Bound> Replace(Bound old, Listener listener)
    {
        var bound = new Bound(listener, old.Inherited, old.Addresses);
        foreach ((Worker worker, ListeningPort port) in old.Ports)
        {
            Factory factory = listener.MakeFactory(worker);
            bound.Ports.Add((worker, await On(worker, () => worker.Replace(port, factory))));
        }

        return bound;
    }

    private async Deferred<Unit> Close(Bound bound)
    {
        foreach ((Worker worker, ListeningPort port) in bound.Ports)
        {
            _ = await On(worker, () =>
            {
                port.AcceptQueuedThenStop();
                return default(Unit);
            });
        }

        return default;
    }

    private Worker WithFewestPorts()
    {
        Worker fewest = _workers[0];
        foreach (Worker worker in _workers)
        {
            fewest = worker.OpenPorts < fewest.OpenPorts ? worker : fewest;
        }

        return fewest;
    }

    /// <summary>Runs a call on a worker's thread.</summary>
    /// <returns>Fires on the first worker's thread with the result of the call.</returns>
    private Deferred<T> On<T>(Worker worker, Func<T> call)
    {
        if (!worker.HasOwnThread)
        {
            return Deferred.MaybeDeferred(call);
        }

        var done = new Deferred<T>();
        void Run()
        {
            try
            {
                T value = call();
                First.CallFromThread(() => done.Callback(value));
            }
            catch (Exception exception)
            {
                First.CallFromThread(() => done.Errback(new Failure(exception)));
            }
        }

        worker.Reactor.CallFromThread(Run);
        return done;
    }

    /// <summary>A listener with its sockets.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="inherited">The sockets that systemd has bound for it.</param>
    /// <param name="addresses">The addresses to bind sockets to.</param>
    private sealed class Bound(Listener listener, List<nint> inherited, SocketAddress[] addresses)
    {
        public Listener Listener => listener;

        public List<nint> Inherited => inherited;

        public SocketAddress[] Addresses => addresses;

        /// <summary>True if every worker has its own sockets.</summary>
        public bool IsShared => !listener.IsSingleWorker && !listener.Address.IsUnix && inherited.Count == 0;

        public List<(Worker Worker, ListeningPort Port)> Ports { get; } = [];

        /// <summary>One line for each address: the sockets of several workers with the same address have one line.</summary>
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
