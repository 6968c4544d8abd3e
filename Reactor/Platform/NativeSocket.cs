using System.Diagnostics;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Stream sockets, with the same calls on all systems. Stateless, callable from any thread. No call here throws, allocates
/// (except for the path of a Unix socket) or is interrupted by a signal. A handle is a descriptor, or a SOCKET. The caller of
/// <see cref="Create"/> or <see cref="Accept"/> owns it until <see cref="Close"/>. Options are in NativeSocket.Options.cs.
/// </summary>
internal static unsafe partial class NativeSocket
{
    /// <summary>No socket: −1 on Unix, INVALID_SOCKET on Windows.</summary>
    public const nint Invalid = -1;

    /// <summary>Makes a socket that never waits, is not inherited and never raises SIGPIPE.</summary>
    public static Errno Create(AddressKind kind, out nint handle, int type = CommonAbi.SOCK_STREAM)
    {
        handle = Invalid;
        if (kind == AddressKind.None)
        {
            return Errno.EAFNOSUPPORT;
        }

        int family = FamilyOf(kind);
        if (OperatingSystem.IsWindows())
        {
            return CreateOnWindows(family, type, out handle);
        }

        if (OperatingSystem.IsLinux())
        {
            type |= LinuxAbi.SOCK_NONBLOCK | LinuxAbi.SOCK_CLOEXEC;
        }
        else if (OperatingSystem.IsFreeBSD())
        {
            type |= DarwinAbi.SOCK_NONBLOCK_FreeBSD | DarwinAbi.SOCK_CLOEXEC_FreeBSD;
        }

        handle = Libc.socket(family, type, 0);
        return handle < 0 ? LastError.OfLibc() : PrepareOnBsd(ref handle);
    }

    public static Errno Bind(nint handle, in SocketAddress address)
    {
        byte* sockaddr = stackalloc byte[SocketAddressCodec.MaxLengthBytes];
        Errno error = Encode(address, sockaddr, out int length);
        if (error != Errno.None)
        {
            return error;
        }

        return OperatingSystem.IsWindows()
            ? CheckWindows(WindowsAbi.bind(handle, sockaddr, length))
            : NativeDescriptor.Check(Libc.bind((int)handle, sockaddr, length));
    }

    /// <summary>Starts to listen. The backlog limits the connections that wait for <see cref="Accept"/>; the system may use less.</summary>
    public static Errno Listen(nint handle, int backlog) => OperatingSystem.IsWindows()
        ? CheckWindows(WindowsAbi.listen(handle, backlog))
        : NativeDescriptor.Check(Libc.listen((int)handle, backlog));

    /// <summary>Accepts one connection. The new socket has the properties that <see cref="Create"/> sets.</summary>
    /// <param name="listener">A listening socket.</param>
    /// <param name="handle">The connection, owned by the caller; or <see cref="Invalid"/>.</param>
    /// <param name="peer">The address of the peer, IPv4 also if the listener is IPv6; <c>Unix("")</c> for a Unix socket; none if
    /// the system no longer knows it (macOS, when the peer is gone).</param>
    /// <returns>EAGAIN if no connection waits. On Linux also errors of the waiting connection: after ECONNABORTED, EPROTO,
    /// ENETDOWN and similar, try the next one; after EMFILE, ENFILE, ENOBUFS and ENOMEM it still waits.</returns>
    public static Errno Accept(nint listener, out nint handle, out SocketAddress peer)
    {
        byte* sockaddr = stackalloc byte[SocketAddressCodec.MaxLengthBytes];
        int length = SocketAddressCodec.MaxLengthBytes;
        Errno error = Errno.None;
        peer = default;
        if (OperatingSystem.IsWindows())
        {
            handle = WindowsAbi.accept(listener, sockaddr, &length);
            error = handle == Invalid ? LastError.OfWindows() : MakeNonBlockingOnWindows(ref handle);
        }
        else
        {
            do
            {
                handle = AcceptOnUnix((int)listener, sockaddr, &length);
            }
            while (NativeDescriptor.IsInterrupted(handle));
            error = handle < 0 ? LastError.OfLibc() : PrepareOnBsd(ref handle);
        }

        if (error == Errno.None)
        {
            var bytes = new ReadOnlySpan<byte>(sockaddr, Math.Min(length, SocketAddressCodec.MaxLengthBytes));
            peer = SocketAddressCodec.IsUnix(bytes, SockaddrLayout.Current)
                ? SocketAddress.Unix(string.Empty)
                : SocketAddressCodec.Decode(bytes, SockaddrLayout.Current).Unmapped();
        }

        return error;
    }

    /// <summary>Starts to connect.</summary>
    /// <returns>None or an error if the connect has ended already. EINPROGRESS if not: the socket becomes writable at the end,
    /// and <see cref="TakeError"/> returns the result. A signal does not end the connect, so that is EINPROGRESS too. EAGAIN on
    /// Linux means that the backlog of a Unix listener is full, and no connect was started.</returns>
    public static Errno Connect(nint handle, in SocketAddress address)
    {
        byte* sockaddr = stackalloc byte[SocketAddressCodec.MaxLengthBytes];
        Errno error = Encode(address, sockaddr, out int length);
        if (error != Errno.None)
        {
            return error;
        }

        if (OperatingSystem.IsWindows())
        {
            error = CheckWindows(WindowsAbi.connect(handle, sockaddr, length));
            return error == Errno.EAGAIN ? Errno.EINPROGRESS : error;
        }

        error = NativeDescriptor.Check(Libc.connect((int)handle, sockaddr, length));
        return error == Errno.EINTR ? Errno.EINPROGRESS : error;
    }

    /// <summary>Sends as many bytes as the kernel accepts.</summary>
    /// <param name="handle">A connection.</param>
    /// <param name="data">The bytes to send.</param>
    /// <param name="more">True if more bytes follow at once: the kernel may delay the last, partly filled packet. Linux only.
    /// The last send must not set it.</param>
    /// <param name="sent">The number of bytes that the kernel accepted.</param>
    /// <returns>EAGAIN if the buffer is full.</returns>
    public static Errno Send(nint handle, ReadOnlySpan<byte> data, bool more, out int sent)
    {
        fixed (byte* bytes = data)
        {
            return Send(handle, bytes, data.Length, more, out sent);
        }
    }

    /// <summary>As <see cref="Send(nint, ReadOnlySpan{byte}, bool, out int)"/>, for memory that does not move.</summary>
    public static Errno Send(nint handle, byte* data, int length, bool more, out int sent)
    {
        if (OperatingSystem.IsWindows())
        {
            return CheckWindows(WindowsAbi.send(handle, data, length, 0), out sent);
        }

        nint result;
        do
        {
            result = Libc.send((int)handle, data, length, SendFlags(more));
        }
        while (NativeDescriptor.IsInterrupted(result));

        return NativeDescriptor.CheckCount(result, out sent);
    }

    /// <summary>Sends several pieces of memory in one call, as many bytes as the kernel accepts.</summary>
    /// <param name="handle">A connection.</param>
    /// <param name="pieces">The pieces in the order to send. Pass only a few: no system accepts more than 1024.</param>
    /// <param name="more">The same as for Send.</param>
    /// <param name="sent">The total number of bytes that the kernel accepted.</param>
    /// <returns>EAGAIN if the buffer is full.</returns>
    public static Errno SendGathered(nint handle, ReadOnlySpan<IoVector> pieces, bool more, out int sent)
    {
        Debug.Assert(!pieces.IsEmpty, "something to send");
        fixed (IoVector* vectors = pieces)
        {
            if (OperatingSystem.IsWindows())
            {
                return SendGatheredOnWindows(handle, vectors, pieces.Length, out sent);
            }

            var message = new Libc.struct_msghdr { msg_iov = vectors, msg_iovlen = pieces.Length };
            nint result;
            do
            {
                result = Libc.sendmsg((int)handle, &message, SendFlags(more));
            }
            while (NativeDescriptor.IsInterrupted(result));

            return NativeDescriptor.CheckCount(result, out sent);
        }
    }

    /// <summary>Receives the available bytes into a buffer that is not empty. 0 bytes without an error mean the end of input.</summary>
    /// <returns>EAGAIN if no bytes are available.</returns>
    public static Errno Receive(nint handle, Span<byte> buffer, out int received)
    {
        Debug.Assert(!buffer.IsEmpty, "room for at least one byte");
        fixed (byte* data = buffer)
        {
            if (OperatingSystem.IsWindows())
            {
                return CheckWindows(WindowsAbi.recv(handle, data, buffer.Length, 0), out received);
            }

            nint result;
            do
            {
                result = Libc.recv((int)handle, data, buffer.Length, 0);
            }
            while (NativeDescriptor.IsInterrupted(result));

            return NativeDescriptor.CheckCount(result, out received);
        }
    }

    /// <summary>Closes our direction: the peer reads the sent bytes, then the end of input.</summary>
    public static Errno ShutdownWrite(nint handle) => OperatingSystem.IsWindows()
        ? CheckWindows(WindowsAbi.shutdown(handle, CommonAbi.SHUT_WR))
        : NativeDescriptor.Check(Libc.shutdown((int)handle, CommonAbi.SHUT_WR));

    /// <summary>Closes the socket, even if it returns an error. Unread input turns the close into a reset.</summary>
    public static Errno Close(nint handle) => OperatingSystem.IsWindows()
        ? CheckWindows(WindowsAbi.closesocket(handle))
        : NativeDescriptor.Close(handle);

    /// <summary>Gets the local address, with the port that the kernel chose for port 0.</summary>
    public static Errno LocalAddress(nint handle, out SocketAddress address) => AddressOf(handle, isPeer: false, out address);

    /// <summary>Gets the address of the peer. ENOTCONN also if the connection was reset already.</summary>
    public static Errno PeerAddress(nint handle, out SocketAddress address) => AddressOf(handle, isPeer: true, out address);

    private static Errno AddressOf(nint handle, bool isPeer, out SocketAddress address)
    {
        byte* sockaddr = stackalloc byte[SocketAddressCodec.MaxLengthBytes];
        int length = SocketAddressCodec.MaxLengthBytes;
        Errno error = OperatingSystem.IsWindows()
            ? CheckWindows(isPeer
                ? WindowsAbi.getpeername(handle, sockaddr, &length)
                : WindowsAbi.getsockname(handle, sockaddr, &length))
            : NativeDescriptor.Check(isPeer
                ? Libc.getpeername((int)handle, sockaddr, &length)
                : Libc.getsockname((int)handle, sockaddr, &length));
        address = error == Errno.None ? Decode(sockaddr, length) : default;
        return error;
    }

    private static Errno Encode(in SocketAddress address, byte* sockaddr, out int length) => SocketAddressCodec.Encode(
        address, SockaddrLayout.Current, new Span<byte>(sockaddr, SocketAddressCodec.MaxLengthBytes), out length);

    private static SocketAddress Decode(byte* sockaddr, int length) => SocketAddressCodec.Decode(
        new ReadOnlySpan<byte>(sockaddr, Math.Min(length, SocketAddressCodec.MaxLengthBytes)), SockaddrLayout.Current);

    private static int FamilyOf(AddressKind kind) => kind switch
    {
        AddressKind.IPv4 => CommonAbi.AF_INET,
        AddressKind.IPv6 => SockaddrLayout.Current.InetV6Family,
        _ => CommonAbi.AF_UNIX,
    };
}
