using System.Net;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// A descriptor that another thread can make readable: an eventfd on Linux; on other systems, and where eventfd is not allowed, a
/// datagram socket that is connected to itself. Any thread may call <see cref="Signal"/>; only the owner uses the other members.
/// The owner closes it when no thread can signal any more.
/// </summary>
internal readonly struct Waker(nint handle)
{
    /// <summary>The descriptor to watch for reading.</summary>
    public nint Handle { get; } = handle;

    /// <summary>Makes a waker, non-blocking and close-on-exec.</summary>
    public static Errno Create(out Waker waker)
    {
        if (!OperatingSystem.IsLinux())
        {
            return CreateSocket(out waker);
        }

        waker = new Waker(LinuxAbi.eventfd(0, LinuxAbi.EFD_CLOEXEC | LinuxAbi.EFD_NONBLOCK));
        Errno error = NativeDescriptor.Check((int)waker.Handle);
        return error.IsMissingCall() ? CreateSocket(out waker) : error;
    }

    /// <summary>Makes a socket to which no other program can send, since it is connected.</summary>
    internal static Errno CreateSocket(out Waker waker)
    {
        SocketAddress address = SocketAddress.Ip(IPAddress.Loopback, 0);
        Errno error = NativeSocket.Create(AddressKind.IPv4, out nint handle, CommonAbi.SOCK_DGRAM);
        waker = new Waker(handle);
        if (error != Errno.None)
        {
            return error;
        }

        error = NativeSocket.Bind(handle, address);
        error = error == Errno.None ? NativeSocket.LocalAddress(handle, out address) : error;
        error = error == Errno.None ? NativeSocket.Connect(handle, address) : error;
        if (error != Errno.None)
        {
            waker.Close();
        }

        return error;
    }

    /// <summary>Makes the descriptor readable. If it is readable already, the call has no effect.</summary>
    public void Signal()
    {
        // An eventfd takes 8 bytes, the number to add.
        ReadOnlySpan<byte> one = [1, 0, 0, 0, 0, 0, 0, 0];
        _ = OperatingSystem.IsLinux()
            ? NativeDescriptor.Write(Handle, one, out _)
            : NativeSocket.Send(Handle, one, more: false, out _);
    }

    /// <summary>Makes the descriptor unreadable again. Call it before you read the signalled data: a signal that arrives in
    /// between then makes it readable again.</summary>
    public void Drain()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        if (OperatingSystem.IsLinux())
        {
            // A socket that replaces an eventfd may hold a few signals; this reads the first, and the next wait reports the others.
            _ = NativeDescriptor.Read(Handle, bytes, out _);
            return;
        }

        while (NativeSocket.Receive(Handle, bytes, out _) == Errno.None)
        {
        }
    }

    public void Close() => _ = NativeSocket.Close(Handle);
}
