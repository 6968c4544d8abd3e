namespace Poetry.Net.Native;

/// <summary>The values of sockets that all systems share, Windows included: they are older than the differences.</summary>
internal static class CommonAbi
{
    /// <summary>AF_UNIX, sys/socket.h: the same on all systems.</summary>
    public const int AF_UNIX = 1;

    /// <summary>AF_INET, sys/socket.h: the same on all systems.</summary>
    public const int AF_INET = 2;

    /// <summary>SOCK_STREAM, sys/socket.h: 1 on all systems (2 on Linux for MIPS, which .NET does not run on).</summary>
    public const int SOCK_STREAM = 1;

    /// <summary>SHUT_WR, sys/socket.h: the same on all systems; SD_SEND on Windows.</summary>
    public const int SHUT_WR = 1;

    /// <summary>IPPROTO_TCP, netinet/in.h: the same on all systems.</summary>
    public const int IPPROTO_TCP = 6;

    /// <summary>IPPROTO_IPV6, netinet/in.h: the same on all systems.</summary>
    public const int IPPROTO_IPV6 = 41;

    /// <summary>TCP_NODELAY, netinet/tcp.h: the same on all systems.</summary>
    public const int TCP_NODELAY = 1;
}
