using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// Looks names up without blocking the loop. Numeric addresses are returned at once. The system's resolver blocks, so names
/// are looked up on threads: at most <see cref="MaxThreads"/> in the process, which end when no name waits. Further names
/// wait in a queue. Callers that ask for the same name at the same time share one look-up.
/// </summary>
/// <remarks>
/// Crosses threads: any thread may ask. One lock guards the look-ups and the count of threads; it is never held while a name
/// is looked up. The answers are delivered on the reactors of the callers.
/// </remarks>
internal static class Resolver
{
    /// <summary>The limit of threads. Chosen: more would help only if more than four name servers were silent at a time.</summary>
    public const int MaxThreads = 4;

    /// <summary>The system's resolver needs about 100 KiB of stack; the default would be 1.5 MB.</summary>
    private const int StackBytes = 256 * 1024;

    private static readonly Lock Gate = new();

    /// <summary>The look-ups that wait or are under way, by name.</summary>
    private static readonly Dictionary<string, LookUp> LookUps = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The names that wait for a thread.</summary>
    private static readonly Queue<LookUp> Waiting = new();
    private static int _threads;

    /// <summary>Replaces the system's resolver in tests.</summary>
    internal static Func<string, IPAddress[]> GetAddresses { get; set; } = Dns.GetHostAddresses;

    /// <summary>Looks up an endpoint.</summary>
    /// <returns>Fires with at least one address, in the order in which to try them; fails with a
    /// <see cref="DNSLookupError"/>. Cancelling it gives up the answer: a name that waits for a thread is not looked up, but
    /// a look-up that is under way can't be stopped.</returns>
    public static Deferred<SocketAddress[]> Resolve(Reactor reactor, Endpoint endpoint)
    {
        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return Deferred.Succeed<SocketAddress[]>([address]);
        }

        var answer = new ReactorCaller(reactor, (ushort)endpoint.Port);
        return TryAdd(endpoint.Host, answer)
            ? answer.Deferred
            : Deferred.Fail<SocketAddress[]>(new DNSLookupError("no thread is left to look the name up"));
    }

    /// <summary>Looks up the addresses to listen on. Blocks the calling thread, but not the signals of the process.</summary>
    /// <returns>The addresses of the name, without duplicates.</returns>
    /// <exception cref="CannotListenError">It has none.</exception>
    /// <exception cref="EndedBySignalError">A signal ends the command.</exception>
    public static SocketAddress[] ResolveNow(Endpoint endpoint)
    {
        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return [address];
        }

        SocketAddress[] addresses = SignalQueue.IsMine ? WaitFor(endpoint.Host) : AddressesOf(endpoint.Host);
        return addresses.Length > 0
            ? Array.ConvertAll(addresses, found => found.WithPort((ushort)endpoint.Port))
            : throw new CannotListenError(endpoint.ToString(), "unknown host");
    }

    private static SocketAddress[] WaitFor(string host)
    {
        if (WakePair.Create(out WakePair pair) != Errno.None)
        {
            return AddressesOf(host);
        }

        var caller = new WaitingCaller(pair);
        if (!TryAdd(host, caller))
        {
            pair.Close();
            return AddressesOf(host);
        }

        if (SignalQueue.WaitReadable(pair.Reader) == Errno.EINTR)
        {
            // The look-up may still signal the pair: it is left open, since the process ends.
            throw new EndedBySignalError();
        }

        pair.Close();
        return caller.Found;
    }

    /// <returns>False if there is no thread to look the name up.</returns>
    private static bool TryAdd(string host, Caller caller)
    {
        lock (Gate)
        {
            if (!LookUps.TryGetValue(host, out LookUp? lookUp))
            {
                if (_threads < MaxThreads && !TryStartThread() && _threads == 0)
                {
                    return false;
                }

                lookUp = new LookUp(host);
                LookUps.Add(host, lookUp);
                Waiting.Enqueue(lookUp);
            }

            caller.LookUp = lookUp;
            lookUp.Callers.Add(caller);
            return true;
        }
    }

    /// <summary>Called with the lock held. The thread can't take a name before the lock is free.</summary>
    private static bool TryStartThread()
    {
        try
        {
            new Thread(RunThread, StackBytes) { IsBackground = true, Name = "resolver" }.Start();
            _threads++;
            return true;
        }
        catch (OutOfMemoryException)
        {
            // The runtime's exception for a thread that can't be created. If there are others, the name waits for them.
            return false;
        }
    }

    /// <summary>Looks names up until none waits.</summary>
    private static void RunThread()
    {
        while (TryTakeNext(out LookUp? lookUp))
        {
            SocketAddress[] addresses = AddressesOf(lookUp.Host);
            List<Caller> callers;
            lock (Gate)
            {
                _ = LookUps.Remove(lookUp.Host);
                callers = lookUp.Callers;
            }

            // No caller is added or removed from here on: the look-up is not in the table any more.
            foreach (Caller caller in callers)
            {
                caller.Deliver(addresses);
            }
        }
    }

    /// <summary>Takes the next name that is still wanted; otherwise the thread has to end.</summary>
    private static bool TryTakeNext([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out LookUp? lookUp)
    {
        lock (Gate)
        {
            while (Waiting.TryDequeue(out lookUp))
            {
                if (lookUp.Callers.Count > 0)
                {
                    return true;
                }

                _ = LookUps.Remove(lookUp.Host);
            }

            _threads--;
            return false;
        }
    }

    private static void Cancel(Caller caller)
    {
        lock (Gate)
        {
            LookUp lookUp = caller.LookUp!;
            if (LookUps.TryGetValue(lookUp.Host, out LookUp? current) && current == lookUp)
            {
                _ = lookUp.Callers.Remove(caller);
            }
        }
    }

    /// <returns>None if the name is unknown, or could not be looked up: no server answers, no descriptor is left.</returns>
    private static SocketAddress[] AddressesOf(string host)
    {
        IPAddress[] found;
        try
        {
            found = GetAddresses(host);
        }
#pragma warning disable CA1031 // An exception would leave the resolver's thread and end the process.
        catch (Exception)
#pragma warning restore CA1031
        {
            return [];
        }

        var addresses = new List<SocketAddress>(found.Length);
        foreach (IPAddress ip in found)
        {
            SocketAddress address = SocketAddress.Ip(ip, 0);
            if (!addresses.Contains(address))
            {
                addresses.Add(address);
            }
        }

        return addresses.ToArray();
    }

    private sealed class LookUp(string host)
    {
        public string Host => host;

        public List<Caller> Callers { get; } = [];
    }

    /// <summary>One caller of a look-up.</summary>
    private abstract class Caller
    {
        public LookUp? LookUp { get; set; }

        /// <summary>On the resolver's thread.</summary>
        /// <param name="addresses">Without a port; none if the name is unknown.</param>
        public abstract void Deliver(SocketAddress[] addresses);
    }

    /// <summary>A caller that gets its answer in the loop of its reactor.</summary>
    private sealed class ReactorCaller : Caller
    {
        private readonly Reactor _reactor;
        private readonly ushort _port;

        public ReactorCaller(Reactor reactor, ushort port)
        {
            _reactor = reactor;
            _port = port;
            Deferred = Net.Deferred.WithCanceller<ReactorCaller, SocketAddress[]>(this, static (caller, _) => Cancel(caller));
        }

        public Deferred<SocketAddress[]> Deferred { get; }

        public override void Deliver(SocketAddress[] addresses) => _reactor.CallFromThread(() => Fire(addresses));

        private void Fire(SocketAddress[] addresses)
        {
            if (Deferred.Called)
            {
                return;
            }

            if (addresses.Length > 0)
            {
                Deferred.Callback(Array.ConvertAll(addresses, address => address.WithPort(_port)));
            }
            else
            {
                Deferred.Errback(new Failure(new DNSLookupError("unknown host")));
            }
        }
    }

    /// <summary>A caller that waits for its answer before there is a loop.</summary>
    private sealed class WaitingCaller(WakePair pair) : Caller
    {
        private volatile SocketAddress[] _found = [];

        public SocketAddress[] Found => _found;

        public override void Deliver(SocketAddress[] addresses)
        {
            _found = addresses;
            pair.Signal();
        }
    }
}
