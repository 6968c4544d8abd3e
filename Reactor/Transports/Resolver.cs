using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Poetry.Net;

/// <summary>
/// Looks names up without blocking the loop. Numeric addresses are returned at once. The system's resolver blocks, so names
/// are looked up on threads: at most <see cref="MaxThreads"/> in the process, which end when no name waits. Further names
/// wait in a queue. Callers that look up the same name at the same time share one look-up.
/// </summary>
/// <remarks>
/// Crosses threads: any thread may call it. One lock guards the look-ups and the count of threads; it is never held while a
/// name is looked up. The answers are delivered on the reactors of the callers.
/// </remarks>
internal static class Resolver
{
    /// <summary>The maximum number of threads. Chosen: more help only if more than four name servers do not answer.</summary>
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

    /// <returns>Fires with at least one address, in the order in which to try them; fails with a
    /// <see cref="DNSLookupError"/>. Cancelling it drops the answer. A name that waits for a thread is then not looked up;
    /// a look-up that has started can't be stopped.</returns>
    public static Deferred<SocketAddress[]> Resolve(Reactor reactor, Endpoint endpoint)
    {
        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return Deferred.Succeed<SocketAddress[]>([address]);
        }

        LookUp? lookUp = null;
        Action<SocketAddress[]>? caller = null;
        var answer = new Deferred<SocketAddress[]>(_ => Cancel(lookUp!, caller!));
        caller = found => reactor.CallFromThread(() => Answer(answer, found, (ushort)endpoint.Port));
        return TryAdd(endpoint.Host, caller, out lookUp)
            ? answer
            : Deferred.Fail<SocketAddress[]>(new DNSLookupError("no thread is left to look the name up"));
    }

    /// <summary>Looks up the addresses to listen on. Blocks the calling thread, but not the signals of the process.</summary>
    /// <returns>The addresses of the name, without duplicates.</returns>
    /// <exception cref="CannotListenError">The name has no address.</exception>
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
        if (Waker.Create(out Waker waker) != Errno.None)
        {
            return AddressesOf(host);
        }

        SocketAddress[] addresses = [];
        if (!TryAdd(host, Found, out _))
        {
            waker.Close();
            return AddressesOf(host);
        }

        if (SignalQueue.WaitReadable(waker.Handle) == Errno.EINTR)
        {
            // The look-up may still signal the waker, so the waker is left open: the process ends anyway.
            throw new EndedBySignalError();
        }

        waker.Close();
        return Volatile.Read(ref addresses);

        void Found(SocketAddress[] found)
        {
            Volatile.Write(ref addresses, found);
            waker.Signal();
        }
    }

    /// <summary>Joins the look-up of a name, or starts one.</summary>
    /// <param name="host">The name.</param>
    /// <param name="caller">Called on the resolver's thread, with addresses without a port; with none if the name is unknown.</param>
    /// <param name="lookUp">The look-up, needed to cancel it.</param>
    /// <returns>False if there is no thread to look the name up.</returns>
    private static bool TryAdd(string host, Action<SocketAddress[]> caller, [NotNullWhen(true)] out LookUp? lookUp)
    {
        lock (Gate)
        {
            if (!LookUps.TryGetValue(host, out lookUp))
            {
                if (_threads < MaxThreads && !TryStartThread() && _threads == 0)
                {
                    return false;
                }

                lookUp = new LookUp(host);
                LookUps.Add(host, lookUp);
                Waiting.Enqueue(lookUp);
            }

            lookUp.Callers.Add(caller);
            return true;
        }
    }

    /// <summary>Starts a thread. Called with the lock held: the thread can't take a name before the lock is free.</summary>
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
            // The runtime's exception for a thread that can't be created. If there are other threads, the name waits for them.
            return false;
        }
    }

    /// <summary>Looks names up until none waits.</summary>
    private static void RunThread()
    {
        while (true)
        {
            LookUp? lookUp;
            lock (Gate)
            {
                if (!Waiting.TryDequeue(out lookUp))
                {
                    _threads--;
                    return;
                }

                if (lookUp.Callers.Count == 0)
                {
                    _ = LookUps.Remove(lookUp.Host);
                    continue;
                }
            }

            SocketAddress[] addresses = AddressesOf(lookUp.Host);
            Action<SocketAddress[]>[] callers;
            lock (Gate)
            {
                _ = LookUps.Remove(lookUp.Host);
                callers = [.. lookUp.Callers];
            }

            foreach (Action<SocketAddress[]> caller in callers)
            {
                caller(addresses);
            }
        }
    }

    private static void Cancel(LookUp lookUp, Action<SocketAddress[]> caller)
    {
        lock (Gate)
        {
            _ = lookUp.Callers.Remove(caller);
        }
    }

    /// <summary>Delivers the answer on the reactor of the caller, which may have cancelled it before.</summary>
    private static void Answer(Deferred<SocketAddress[]> answer, SocketAddress[] found, ushort port)
    {
        if (answer.Called)
        {
            return;
        }

        if (found.Length > 0)
        {
            answer.Callback(Array.ConvertAll(found, address => address.WithPort(port)));
        }
        else
        {
            answer.Errback(new Failure(new DNSLookupError("unknown host")));
        }
    }

    /// <returns>The addresses; none if the name is unknown or the look-up failed (no server answers, no descriptor is left).</returns>
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

        public List<Action<SocketAddress[]>> Callers { get; } = [];
    }
}
