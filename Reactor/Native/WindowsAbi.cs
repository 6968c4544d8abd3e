using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <summary>
/// Winsock, its values of common constants, and its errors. A socket is a SOCKET: a kernel handle, not a small integer. That
/// is why all handles are <c>nint</c>. Files and consoles are in WindowsAbi.Files.cs.
/// </summary>
/// <remarks>
/// Functions are documented at learn.microsoft.com under their names. <c>SetLastError</c> is on: the runtime may call Windows
/// between our call and the read of its error. All layouts are those of 64-bit Windows.
/// </remarks>
internal static unsafe partial class WindowsAbi
{
    private const string Winsock = "ws2_32";

    /// <summary>WSAStartup, winsock2.h. The system counts the calls: another call costs nothing.</summary>
    /// <returns>0, or the error itself.</returns>
    [LibraryImport(Winsock), SupportedOSPlatform("windows")]
    public static partial int WSAStartup(ushort version, byte* data);

    // winsock2.h
    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial nint WSASocketW(int family, int type, int protocol, void* info, uint group, uint flags);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int bind(nint socket, byte* address, int length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int listen(nint socket, int backlog);

    /// <summary>accept, winsock2.h. The new socket blocks if the listener does.</summary>
    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial nint accept(nint socket, byte* address, int* length);

    /// <summary>connect, winsock2.h. The error WSAEWOULDBLOCK means that the connect is in progress.</summary>
    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int connect(nint socket, byte* address, int length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int send(nint socket, byte* data, int length, int flags);

    /// <summary>WSASend, winsock2.h, without overlapped structure and completion routine.</summary>
    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int WSASend(
        nint socket, WSABUF* buffers, uint count, uint* sent, uint flags, void* overlapped, void* routine);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int recv(nint socket, byte* buffer, int length, int flags);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int shutdown(nint socket, int how);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int closesocket(nint socket);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int setsockopt(nint socket, int level, int option, void* value, int length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int getsockopt(nint socket, int level, int option, void* value, int* length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int getsockname(nint socket, byte* address, int* length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int getpeername(nint socket, byte* address, int* length);

    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int ioctlsocket(nint socket, uint command, uint* argument);

    /// <summary>
    /// select, winsock2.h. A set is a 32-bit count, 4 bytes of padding, then SOCKETs; on return it holds the ready ones. It may be
    /// longer than FD_SETSIZE, which limits only the macros. At least one set must contain a socket. A refused connect is reported
    /// only in the exceptions.
    /// </summary>
    [LibraryImport(Winsock, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int select(int ignored, nint* reads, nint* writes, nint* exceptions, struct_timeval* timeout);

    // ws2def.h
    public const int AF_INET6 = 23;

    // winsock2.h
    public const uint WSA_FLAG_OVERLAPPED = 0x01; // what socket() would set
    public const uint WSA_FLAG_NO_HANDLE_INHERIT = 0x80; // like close-on-exec
    public const int SO_EXCLUSIVEADDRUSE = ~0x0004; // ~SO_REUSEADDR, which would let any process take the port over
    public const uint FIONBIO = 0x8004667E; // _IOW('f', 126, u_long)

    // ws2def.h
    public const int SOL_SOCKET = 0xFFFF;
    public const int SO_ACCEPTCONN = 0x0002;
    public const int SO_LINGER = 0x0080;
    public const int SO_ERROR = 0x1007;

    // ws2ipdef.h
    public const int IPV6_V6ONLY = 27;

    /// <summary>sizeof(WSADATA), winsock2.h, on 64-bit Windows.</summary>
    public const int WsaDataSize = 408;

    /// <summary>struct sockaddr_un, afunix.h: family (2), then 108 bytes of path. Since Windows 10 1803.</summary>
    public const int SunPathLength = 108;

    /// <summary>struct timeval, winsock2.h: two longs, which are 32 bits on Windows.</summary>
    public struct struct_timeval
    {
        public int tv_sec;
        public int tv_usec;
    }

    /// <summary>WSABUF, ws2def.h: the length first, unlike <see cref="IoVector"/>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WSABUF
    {
        public uint len;
        public byte* buf;
    }
}
