using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Resolves and binds the listeners of a server: those that systemd passes, in order or by name, and the rest. A listener on a
/// host name gets a socket for each of its addresses. All sockets are bound before any of them is served, so a server starts with
/// all of them or not at all.
/// </summary>
internal sealed partial class Listeners
{
    private readonly List<Bound> _bound = [];
    private readonly InheritedSockets _inherited;
    private IReadOnlyList<Worker> _workers = [];
    private ListenOptions _options = new();

    /// <summary>Looks up the addresses. Blocks until the look-ups have ended.</summary>
    /// <param name="listeners">At least one.</param>
    /// <exception cref="CannotListenError">A host name has no address, systemd has passed no socket of a name, or it has passed a
    /// socket that no listener names.</exception>
    public Listeners(List<Listener> listeners)
    {
        bool areNamed = InheritedSockets.AreNamed(listeners);
        int inOrder = areNamed ? 0 : Systemd.InheritedCount;
        _inherited = new InheritedSockets(areNamed ? Systemd.InheritedNames() : []);
        _inherited.Check(listeners);
        foreach (Listener listener in listeners)
        {
            List<nint> sockets = _bound.Count < inOrder ? [Systemd.FirstInherited + _bound.Count] : _inherited.Find(listener);
            var bound = new Bound(listener, sockets, sockets.Count > 0 ? [] : Resolver.ResolveNow(listener.Address));
            _bound.Add(bound);
            SharedPorts += bound.IsShared ? bound.Addresses.Length : 0;
            OtherPorts += bound.IsShared ? 0 : sockets.Count + bound.Addresses.Length;
        }
    }

    /// <summary>The number of sockets of which every worker has its own.</summary>
    public int SharedPorts { get; }

    /// <summary>The number of sockets that only one worker has.</summary>
    public int OtherPorts { get; }

    /// <summary>The maximum number of workers: a listener that is not shared occupies one worker, a shared one occupies all.</summary>
    public int MaxWorkers => SharedPorts > 0 ? int.MaxValue : _bound.Count;

    /// <summary>The reason for the value of <see cref="MaxWorkers"/>, as the end of a sentence.</summary>
    public string WhyFewWorkers => _bound.Exists(bound => bound.Listener.IsSingleWorker)
        ? "each poem is proxied by one worker"
        : _bound.Exists(bound => bound.Inherited.Count > 0)
            ? "a socket that systemd has bound is served by one worker"
            : "a Unix socket is served by one worker";

    public IEnumerable<string> ReadyLines()
    {
        foreach (Bound bound in _bound)
        {
            foreach (string line in bound.Lines())
            {
                yield return $"{line}.";
            }
        }
    }

    /// <summary>Binds all sockets and divides them among the workers, whose threads do not run yet.</summary>
    /// <param name="workers">At least one.</param>
    /// <param name="options">The options of all sockets.</param>
    /// <exception cref="IOException">A socket cannot be bound.</exception>
    public void Bind(IReadOnlyList<Worker> workers, ListenOptions options)
    {
        _workers = workers;
        _options = options;
        foreach (Bound bound in _bound)
        {
            // No other thread runs yet, so the deferred fires at once.
            Failure? failure = null;
            void Keep(Failure reason) => failure = reason;
            _ = Open(bound).AddErrback(Keep);
            if (failure is not null)
            {
                throw failure.Check<IOException>() ? new IOException(bound.Listener.LinePrefix + failure.Message) : failure.Exception;
            }
        }
    }
}
