namespace Poetry.Net.Native;

/// <summary>The socket constants that are the same on all systems, including Windows.</summary>
internal static class CommonAbi
{
    // sys/socket.h
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int SOCK_STREAM = 1; // 2 on Linux for MIPS, which .NET does not run on
    public const int SOCK_DGRAM = 2; // 1 on Linux for MIPS
    public const int SHUT_WR = 1; // SD_SEND on Windows

    // netinet/in.h
    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_IPV6 = 41;

    // netinet/tcp.h
    public const int TCP_NODELAY = 1;
}
