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

        var caller = new Caller(reactor, endpoint);
        lock (Gate)
        {
            if (LookUps.TryGetValue(endpoint.Host, out LookUp? lookUp))
            {
                caller.LookUp = lookUp;
                lookUp.Callers.Add(caller);
                return caller.Answer;
            }

            if (_threads < MaxThreads && !TryStartThread() && _threads == 0)
            {
                return Deferred.Fail<SocketAddress[]>(new DNSLookupError("no thread is left to look the name up"));
            }

            caller.LookUp = new LookUp(endpoint.Host);
            caller.LookUp.Callers.Add(caller);
            LookUps.Add(endpoint.Host, caller.LookUp);
            Waiting.Enqueue(caller.LookUp);
            return caller.Answer;
        }
    }

    /// <summary>Looks up the addresses to listen on. Blocks the calling thread.</summary>
    /// <returns>The addresses of the name, without duplicates.</returns>
    /// <exception cref="CannotListenError">It has none.</exception>
    public static SocketAddress[] ResolveNow(Endpoint endpoint)
    {
        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return [address];
        }

        SocketAddress[] addresses = AddressesOf(endpoint.Host, (ushort)endpoint.Port);
        return addresses.Length > 0 ? addresses : throw new CannotListenError(endpoint.ToString(), "unknown host");
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
            SocketAddress[] addresses = AddressesOf(lookUp.Host, port: 0);
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
    private static SocketAddress[] AddressesOf(string host, ushort port)
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
            SocketAddress address = SocketAddress.Ip(ip, port);
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
    private sealed class Caller
    {
        private readonly Reactor _reactor;
        private readonly ushort _port;

        public Caller(Reactor reactor, Endpoint endpoint)
        {
            _reactor = reactor;
            _port = (ushort)endpoint.Port;
            Answer = Deferred.WithCanceller<Caller, SocketAddress[]>(this, static (caller, _) => Cancel(caller));
        }

        public Deferred<SocketAddress[]> Answer { get; }

        public LookUp? LookUp { get; set; }

        /// <summary>On the resolver's thread.</summary>
        public void Deliver(SocketAddress[] addresses) => _reactor.CallFromThread(() => Fire(addresses));

        private void Fire(SocketAddress[] addresses)
        {
            if (Answer.Called)
            {
                return;
            }

            if (addresses.Length > 0)
            {
                Answer.Callback(Array.ConvertAll(addresses, address => address.WithPort(_port)));
            }
            else
            {
                Answer.Errback(new Failure(new DNSLookupError("unknown host")));
            }
        }
    }
}
