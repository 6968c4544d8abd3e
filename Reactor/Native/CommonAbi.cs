namespace Poetry.Net.Native;

/// <summary>The values of sockets that all systems share, Windows included: they are older than the differences.</summary>
internal static class CommonAbi
{
    // sys/socket.h
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int SOCK_STREAM = 1; // 2 on Linux for MIPS, which .NET does not run on
    public const int SOCK_DGRAM = 2; // 1 there
    public const int SHUT_WR = 1; // SD_SEND on Windows

    // netinet/in.h
    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_IPV6 = 41;

    // netinet/tcp.h
    public const int TCP_NODELAY = 1;
}
