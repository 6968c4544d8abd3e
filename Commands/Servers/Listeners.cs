using System.Collections.Generic;
using System.IO;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Resolves and binds the listeners of a server: those that systemd hands over, in order or by name, and the rest. A listener on a
/// name gets a socket for each of its addresses. Every socket is bound before any of them is served, so a server starts with all
/// of them or not at all.
/// </summary>
internal sealed partial class Listeners
{
    private readonly List<Place> _places = [];
    private readonly List<Bound> _bound = [];
    private readonly InheritedSockets? _inherited;

    /// <summary>Looks up the addresses. Blocks for as long as the look-ups take.</summary>
    /// <param name="listeners">At least one.</param>
    /// <exception cref="CannotListenError">A name has no address, or systemd has passed no socket of this name or one that no
    /// listener names.</exception>
    public Listeners(IReadOnlyList<Listener> listeners)
    {
        int inheritedCount = Systemd.InheritedCount;
        if (InheritedSockets.AreNamed(listeners))
        {
            _inherited = new InheritedSockets(Systemd.InheritedNames());
            _inherited.Check(listeners);
            inheritedCount = 0;
        }

        for (int i = 0; i < listeners.Count; i++)
        {
            Listener listener = listeners[i];
            var bound = new Bound(listener);
            _bound.Add(bound);
            if (i < inheritedCount)
            {
                _places.Add(new Place(bound, i, default, Systemd.FirstInherited + i));
                continue;
            }

            if (listener.Address.InheritedName is { } name)
            {
                _inherited!.Find(name).ForEach(socket => _places.Add(new Place(bound, i, default, socket)));
                continue;
            }

            foreach (SocketAddress address in Resolver.ResolveNow(listener.Address))
            {
                _places.Add(new Place(bound, i, address, -1));
            }
        }

        SharedCount = _places.FindAll(place => place.IsShared).Count;
        MaxWorkers = SharedCount > 0 ? int.MaxValue : listeners.Count;
    }

    /// <summary>Sockets that one worker has, or of which every worker has its own.</summary>
    public int Count => _places.Count;

    /// <summary>Those of which every worker has its own.</summary>
    public int SharedCount { get; }

    /// <summary>A listener that is not shared occupies one worker, a shared one occupies all.</summary>
    public int MaxWorkers { get; }

    /// <summary>Why there are no more workers than <see cref="MaxWorkers"/>, as the end of a sentence.</summary>
    public string WhyFewWorkers => _places.Exists(place => place.Listener.IsSingleWorker)
        ? "each poem is proxied by one worker"
        : _places.Exists(place => place.Inherited >= 0)
            ? "a socket that systemd has bound is served by one worker"
            : "a Unix socket is served by one worker";

    /// <summary>The ready lines of the bound listeners.</summary>
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

    /// <summary>Binds all sockets and divides them among the workers.</summary>
    /// <param name="workers">At least one.</param>
    /// <param name="options">What all sockets have in common.</param>
    /// <exception cref="IOException">A socket cannot be bound.</exception>
    public void Bind(IReadOnlyList<Worker> workers, ListenOptions options)
    {
        foreach (Place place in _places)
        {
            PortSharing sharing = place.IsShared && workers.Count > 1 ? PortSharing.First : PortSharing.None;
            Worker owner = workers[place.IsShared ? 0 : place.Index % workers.Count];
            nint inherited = _inherited is null || place.Inherited < 0 ? place.Inherited : InheritedSockets.Duplicate(place.Inherited);
            ListeningPort port;
            try
            {
                port = owner.Listen(owner.FactoryOf(place.Listener), place.Address, options with { Sharing = sharing }, inherited);
            }
            catch (CannotListenError error) when (place.Listener.Place.Length > 0)
            {
                throw new IOException(place.Listener.Place + error.Message, error);
            }

            place.Bound.Ports.Add((owner, port));
            for (int i = 1; sharing == PortSharing.First && i < workers.Count; i++)
            {
                // The port that the first worker was given.
                SocketAddress address = place.Address.WithPort(port.Address.Port);
                ListenOptions joining = options with { Sharing = PortSharing.Joining };
                Factory factory = workers[i].FactoryOf(place.Listener);
                place.Bound.Ports.Add((workers[i], workers[i].Listen(factory, address, joining, inherited: -1)));
            }
        }
    }

    /// <summary>One socket to bind.</summary>
    /// <param name="Bound">The listener, with the sockets that it has already.</param>
    /// <param name="Index">Of the listener.</param>
    /// <param name="Address">Of the listener's addresses.</param>
    /// <param name="Inherited">A socket that systemd has bound, or −1.</param>
    private readonly record struct Place(Bound Bound, int Index, SocketAddress Address, nint Inherited)
    {
        public Listener Listener => Bound.Listener;

        public bool IsShared => !Listener.IsSingleWorker && !Listener.Address.IsUnix && Inherited < 0;
    }
}
