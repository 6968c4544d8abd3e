using System;

namespace Poetry.Commands;

/// <summary>
/// Divides the descriptors that a server may have: workers, clients, and a reserve for everything else. Clients over the limit
/// wait in the backlog. Without the reserve they would be accepted and reset.
/// </summary>
internal readonly struct DescriptorBudget
{
    /// <summary>Largest reserve: for upstreams, metrics clients and files that are read again.</summary>
    private const int MaxReserve = 48;

    /// <summary>A poller, a waker, and what the runtime may need for a thread.</summary>
    private const int PerWorker = 3;

    /// <summary>A listening socket, and the spare descriptor that turns clients away when descriptors run out.</summary>
    private const int PerPort = 2;

    /// <summary>The runtime's pipe for signals, and a file that is read or a datagram that is sent.</summary>
    private const int PerProcess = 4;

    /// <summary>A worker with fewer clients is not worth its descriptors.</summary>
    private const int MinClients = 4;

    public int Workers { get; private init; }

    /// <summary>Connections at once, of all workers together; 0 for no limit.</summary>
    public long MaxConnections { get; private init; }

    /// <summary>Upstream connections at once, of all workers together: half of the clients.</summary>
    public long MaxUpstreams { get; private init; }

    /// <summary>What is kept back for metrics clients, among other things.</summary>
    public long Reserve { get; private init; }

    /// <summary>The lowest limit of open files that such a server can run with.</summary>
    public long MinLimit { get; private init; }

    /// <summary>Divides them.</summary>
    /// <param name="limit">Of open files, as the system has it.</param>
    /// <param name="needs">What the server consists of.</param>
    public static DescriptorBudget Divide(long limit, in Needs needs)
    {
        int workers = needs.Workers;
        long asked = needs.MaxConnections ?? 0;
        workers = asked == 0 ? workers : (int)Math.Min(workers, asked);
        long minClients = asked == 0 ? MinClients : Math.Min(MinClients, asked);
        while (workers > 1 && Clients(limit, workers, needs, out _) < MinClients * (long)workers)
        {
            workers--;
        }

        long clients = Math.Max(1, Clients(limit, workers, needs, out long reserve));
        return new DescriptorBudget
        {
            Workers = workers,
            MaxConnections = needs.MaxConnections ?? Math.Max(workers, Math.Min(clients, needs.MemoryConnections)),
            MaxUpstreams = Math.Max(1, (asked == 0 ? clients : Math.Min(asked, clients)) / 2),
            Reserve = reserve,
            MinLimit = Fixed(1, needs) + (minClients * needs.DescriptorsPerClient),
        };
    }

    private static long Clients(long limit, int workers, in Needs needs, out long reserve)
    {
        long free = limit - Fixed(workers, needs);
        reserve = Math.Clamp(free / 3, 0, MaxReserve);
        return (free - reserve) / needs.DescriptorsPerClient;
    }

    private static long Fixed(int workers, in Needs needs) => needs.Open + PerProcess + (PerWorker * (long)workers)
        + (PerPort * ((needs.SharedPorts * (long)workers) + needs.OtherPorts));

    /// <summary>What a server consists of.</summary>
    public readonly struct Needs
    {
        /// <summary>Descriptors that are open already: standard streams, long poems.</summary>
        public int Open { get; init; }

        /// <summary>The reactors that were asked for.</summary>
        public int Workers { get; init; }

        /// <summary>Listeners for which each worker has a socket.</summary>
        public int SharedPorts { get; init; }

        /// <summary>Listeners that one worker has.</summary>
        public int OtherPorts { get; init; }

        public int DescriptorsPerClient { get; init; }

        /// <summary>Connections that there is memory for.</summary>
        public long MemoryConnections { get; init; }

        /// <summary>As the user said; 0 for no limit, null if nothing was said.</summary>
        public long? MaxConnections { get; init; }
    }
}
