using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// How many connections the ports of one reactor may have together. At the limit the ports stop watching, and new clients
/// wait in the kernel's backlog. On the reactor's thread only: several reactors share a limit by dividing it.
/// </summary>
/// <param name="most">At least 1.</param>
internal sealed class ConnectionLimit(int most)
{
    private readonly List<ListeningPort> _waiting = [];

    /// <summary>Connections that there are.</summary>
    public int Count { get; private set; }

    /// <summary>May no more come in?</summary>
    public bool IsReached => Count >= most;

    /// <summary>A connection has come.</summary>
    public void Enter() => Count++;

    /// <summary>
    /// A connection has ended; the ports that wait go on, one after the other, until its place is taken. A port for which
    /// no client waits must not keep the place from the others.
    /// </summary>
    public void Leave()
    {
        Count--;
        for (int asked = _waiting.Count; asked > 0 && !IsReached; asked--)
        {
            ListeningPort port = _waiting[0];
            _waiting.RemoveAt(0);
            port.RoomAgain();
        }
    }

    /// <summary>The port has stopped watching, and wants to be told when there is room: first come, first served.</summary>
    public void Await(ListeningPort port) => _waiting.Add(port);
}
