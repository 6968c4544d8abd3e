using System.Net.Sockets;

namespace Poetry.Tests.Testing;

/// <summary>Starts servers with listening sockets as systemd does, on machines without it.</summary>
internal static class Activation
{
    /// <summary>Passes sockets as descriptors 3 and up. A shell arranges them and then becomes the server, so that its number is
    /// that in LISTEN_PID.</summary>
    /// <param name="launch">What to start.</param>
    /// <param name="names">LISTEN_FDNAMES; null for none.</param>
    /// <param name="sockets">They stay the caller's.</param>
    /// <param name="pid">LISTEN_PID; a shell expands it.</param>
    public static NativeBinary Start(Launch launch, string? names, Socket[] sockets, string pid = "$$")
    {
        string numbered = string.Join(' ', sockets.Select((socket, index) => $"{3 + index}<&{socket.Handle}"));
        string closed = string.Join(' ', sockets.Select(socket => $"{socket.Handle}<&-"));
        string script = $"LISTEN_FDS={sockets.Length} LISTEN_PID={pid} exec \"$0\" \"$@\" {numbered} {closed}";
        if (names is not null)
        {
            launch.Environment["LISTEN_FDNAMES"] = names;
        }

        foreach (Socket socket in sockets)
        {
            Posix.LetInherit(socket.Handle, inherit: true);
        }

        try
        {
            return NativeBinary.Start(launch with { Through = [Posix.Tool("bash"), "-c", script] });
        }
        finally
        {
            foreach (Socket socket in sockets)
            {
                Posix.LetInherit(socket.Handle, inherit: false);
            }
        }
    }
}
