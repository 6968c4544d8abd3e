using System;

namespace Poetry.Commands;

/// <summary>
/// What a server does with the descriptors that it may have: so many workers, so many clients at once, and the rest kept
/// back for what comes up. Clients over it wait in the backlog; had there been no descriptor for one, he would have been
/// turned away.
/// </summary>
internal readonly struct DescriptorBudget
{
    /// <summary>Kept back where there are enough: for upstreams, for clients of the metrics, for files that are read again.</summary>
    private const int MostKept = 48;

    /// <summary>A poller, a waker, and what the runtime may need for a thread.</summary>
    private const int OfWorker = 3;

    /// <summary>A socket that listens, and the descriptor in reserve that turns clients away.</summary>
    private const int OfPort = 2;

    /// <summary>The runtime's pipe for signals, and a file that is read or a datagram that is sent.</summary>
    private const int OfProcess = 4;

    /// <summary>A server of fewer clients at once is none, or not worth a worker.</summary>
    private const int Handful = 4;

    /// <summary>How many reactors.</summary>
    public int Workers { get; private init; }

    /// <summary>Connections at once, of all workers together; 0 for no limit.</summary>
    public long Connections { get; private init; }

    /// <summary>Clients that may have something fetched for them at once, of all workers together: half of them.</summary>
    public long Upstreams { get; private init; }

    /// <summary>What is kept back for clients of the metrics, among other things.</summary>
    public long Kept { get; private init; }

    /// <summary>The least limit of open files that such a server needs.</summary>
    public long Least { get; private init; }

    /// <summary>Divides them.</summary>
    /// <param name="limit">Of open files, as the system has it.</param>
    /// <param name="needs">What the server consists of.</param>
    public static DescriptorBudget Divide(long limit, in Needs needs)
    {
        int workers = needs.Workers;
        long asked = needs.AskedConnections ?? 0;
        workers = asked == 0 ? workers : (int)Math.Min(workers, asked);
        long handful = asked == 0 ? Handful : Math.Min(Handful, asked);
        while (workers > 1 && Clients(limit, workers, needs, out _) < Handful * (long)workers)
        {
            workers--;
        }

        long clients = Math.Max(1, Clients(limit, workers, needs, out long kept));
        return new DescriptorBudget
        {
            Workers = workers,
            Connections = needs.AskedConnections ?? clients,
            Upstreams = Math.Max(1, (asked == 0 ? clients : Math.Min(asked, clients)) / 2),
            Kept = kept,
            Least = Fixed(1, needs) + (handful * needs.DescriptorsPerClient),
        };
    }

    private static long Clients(long limit, int workers, in Needs needs, out long kept)
    {
        long free = limit - Fixed(workers, needs);
        kept = Math.Clamp(free / 3, 0, MostKept);
        return (free - kept) / needs.DescriptorsPerClient;
    }

    private static long Fixed(int workers, in Needs needs) => needs.Open + OfProcess + (OfWorker * (long)workers)
        + (OfPort * ((needs.SharedPorts * (long)workers) + needs.OtherPorts));

    /// <summary>What a server consists of.</summary>
    public readonly struct Needs
    {
        /// <summary>Descriptors that it has already: standard streams, long poems.</summary>
        public int Open { get; init; }

        /// <summary>Reactors that it is to have.</summary>
        public int Workers { get; init; }

        /// <summary>Ports that each worker has a socket for.</summary>
        public int SharedPorts { get; init; }

        /// <summary>Ports that one worker has.</summary>
        public int OtherPorts { get; init; }

        /// <summary>What a client costs.</summary>
        public int DescriptorsPerClient { get; init; }

        /// <summary>As the user said; 0 for no limit, null if nothing was said.</summary>
        public long? AskedConnections { get; init; }
    }
}
