using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Listening sockets that systemd has passed, found by the names of LISTEN_FDNAMES. They stay open until the process ends, and
/// every listener gets a duplicate: a list that is read again may give a socket another poem.
/// </summary>
/// <param name="names">One name for each socket; several sockets may share a name.</param>
internal sealed class InheritedSockets(string[] names)
{
    /// <summary>True if a listener names a socket: all are found by name then. Otherwise they are taken in order.</summary>
    public static bool AreNamed(List<Listener> listeners) =>
        listeners.Exists(listener => listener.Address.InheritedName is not null);

    /// <summary>Makes a descriptor for a listener, which will close it.</summary>
    /// <exception cref="CannotListenError">No descriptor is free, or there is no such socket.</exception>
    public static nint Duplicate(nint socket)
    {
        nint duplicate = -1;
        Errno error = OperatingSystem.IsWindows() ? Errno.EOPNOTSUPP : NativeDescriptor.Duplicate(socket, out duplicate);
        return error == Errno.None ? duplicate : throw new CannotListenError($"inherited descriptor {socket}", error);
    }

    /// <summary>The sockets that a listener names, in the order in which they were passed; none if it names none.</summary>
    public List<nint> Find(Listener listener)
    {
        var found = new List<nint>();
        for (int i = 0; i < names.Length; i++)
        {
            if (names[i] == listener.Address.InheritedName)
            {
                found.Add(Systemd.FirstInherited + i);
            }
        }

        return found;
    }

    /// <summary>Checks that every name has a socket, and every socket a listener: clients of a socket without a listener would
    /// wait in its backlog for ever.</summary>
    /// <exception cref="CannotListenError">A name has no socket, or a socket has no listener.</exception>
    public void Check(List<Listener> listeners)
    {
        var unused = new List<string>(names);
        foreach (Listener listener in listeners)
        {
            if (listener.Address.InheritedName is { } name && unused.RemoveAll(other => other == name) == 0)
            {
                string passed = names.Length == 0 ? "none" : string.Join(", ", names);
                throw new CannotListenError($"{listener.Address}", $"systemd passed no socket of this name (it passed: {passed})");
            }
        }

        if (unused.Count > 0)
        {
            string what = $"{Endpoint.InheritedPrefix}{unused[0]}";
            throw new CannotListenError(what, "systemd passed this socket, and nothing is served on it");
        }
    }
}
