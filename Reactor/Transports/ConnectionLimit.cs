namespace Poetry.Net;

/// <summary>
/// The maximum number of connections of all ports of one reactor. At the limit the ports stop accepting, and new clients
/// wait in the kernel's backlog. Several reactors divide a limit between them.
/// </summary>
/// <param name="max">The limit: at least 1.</param>
/// <exception cref="ArgumentOutOfRangeException">The limit is less than 1.</exception>
public sealed class ConnectionLimit(int max)
{
    /// <summary>At least 1: with 0, clients would wait in the backlog for ever.</summary>
    private readonly int _max = max >= 1 ? max : throw new ArgumentOutOfRangeException(nameof(max), max, "at least 1 connection");
    private readonly List<ListeningPort> _waiting = [];

    /// <summary>The number of connections.</summary>
    public int Count { get; private set; }

    /// <summary>True if the number of connections has reached the limit.</summary>
    public bool IsReached => Count >= _max;

    internal void Enter() => Count++;

    /// <summary>
    /// A connection has ended. The waiting ports accept, in the order in which they began to wait, until the limit is
    /// reached again: a port without a client must not keep the free slot from the others.
    /// </summary>
    internal void Leave()
    {
        Count--;
        for (int ports = _waiting.Count; ports > 0 && !IsReached; ports--)
        {
            ListeningPort port = _waiting[0];
            _waiting.RemoveAt(0);
            port.OnLimitFreed();
        }
    }

    /// <summary>The port has stopped accepting; <see cref="ListeningPort.OnLimitFreed"/> is called when a slot is free.</summary>
    internal void Await(ListeningPort port) => _waiting.Add(port);
}
