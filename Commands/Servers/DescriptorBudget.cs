namespace Poetry.Commands;

/// <summary>
/// Divides the descriptors that a server may have among workers, clients, and a reserve for everything else. Clients over the
/// limit wait in the backlog. Without the reserve they would be accepted and reset.
/// </summary>
internal readonly struct DescriptorBudget
{
    /// <summary>The maximum reserve, for upstreams, metrics clients and files that are read again.</summary>
    private const int MaxReserve = 48;

    /// <summary>A poller, a waker, and one that the runtime may need for a thread.</summary>
    private const int PerWorker = 3;

    /// <summary>A listening socket, and the spare descriptor that turns clients away when descriptors run out.</summary>
    private const int PerPort = 2;

    /// <summary>The runtime's pipe for signals, and a file that is read or a datagram that is sent.</summary>
    private const int PerProcess = 4;

    /// <summary>The minimum number of clients of a worker: with fewer, it is not worth its descriptors.</summary>
    private const int MinClients = 4;

    public int Workers { get; private init; }

    /// <summary>The maximum number of connections of all workers together; 0 for no limit.</summary>
    public long MaxConnections { get; private init; }

    /// <summary>The maximum number of upstream connections of all workers together: half of the clients.</summary>
    public long MaxUpstreams { get; private init; }

    /// <summary>The descriptors that are reserved for metrics clients, among other uses.</summary>
    public long Reserve { get; private init; }

    /// <summary>The minimum limit of open files that such a server can run with.</summary>
    public long MinLimit { get; private init; }

    /// <summary>Divides the descriptors.</summary>
    /// <param name="limit">The system's limit of open files.</param>
    /// <param name="needs">The needs of the server.</param>
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

    /// <summary>The parts of a server that need descriptors.</summary>
    public readonly struct Needs
    {
        /// <summary>Descriptors that are open already: standard streams, long poems.</summary>
        public int Open { get; init; }

        /// <summary>The number of reactors that the user asked for.</summary>
        public int Workers { get; init; }

        /// <summary>The number of sockets that each worker has.</summary>
        public int SharedPorts { get; init; }

        /// <summary>The number of sockets that only one worker has.</summary>
        public int OtherPorts { get; init; }

        public int DescriptorsPerClient { get; init; }

        /// <summary>The number of connections for which there is memory.</summary>
        public long MemoryConnections { get; init; }

        /// <summary>The number that the user gave; 0 for no limit, null if the user gave none.</summary>
        public long? MaxConnections { get; init; }
    }
}
