using System;
using System.Net;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// A descriptor that another thread can make readable: an eventfd on Linux, a pipe on other Unixes and where eventfd is not
/// allowed, a socket that is connected to itself on Windows. <see cref="Signal"/> may be called from any thread; everything else
/// is the owner's. The owner closes it, after the last thread that might signal.
/// </summary>
internal readonly unsafe struct WakePair
{
    private readonly nint _writer;

    private WakePair(nint reader, nint writer)
    {
        Reader = reader;
        _writer = writer;
    }

    /// <summary>The descriptor to watch for reading.</summary>
    public nint Reader { get; }

    /// <summary>Makes one; both ends are non-blocking and close-on-exec.</summary>
    public static Errno Create(out WakePair pair)
    {
        if (OperatingSystem.IsLinux())
        {
            nint both = LinuxAbi.eventfd(0, LinuxAbi.EFD_CLOEXEC | LinuxAbi.EFD_NONBLOCK);
            pair = new WakePair(both, both);
            Errno error = both < 0 ? LastError.OfLibc() : Errno.None;
            return error.IsMissingCall() ? CreatePipe(out pair) : error;
        }

        return OperatingSystem.IsWindows() ? CreateSocket(out pair) : CreatePipe(out pair);
    }

    /// <summary>Makes <see cref="Reader"/> readable. Once it is, further calls have no effect.</summary>
    public void Signal()
    {
        // An eventfd takes 8 bytes, the number to add; the others take any bytes.
        ulong one = 1;
        var bytes = new ReadOnlySpan<byte>(&one, sizeof(ulong));
        if (OperatingSystem.IsWindows())
        {
            _ = NativeSocket.Send(_writer, bytes, more: false, out _);
        }
        else
        {
            _ = NativeDescriptor.Write(_writer, OperatingSystem.IsLinux() ? bytes : bytes[..1], out _);
        }
    }

    /// <summary>Makes <see cref="Reader"/> unreadable again. To be called before reading what was signalled: a signal that comes
    /// in between then makes it readable again.</summary>
    public void Drain()
    {
        Span<byte> bytes = stackalloc byte[64];
        if (OperatingSystem.IsWindows())
        {
            while (NativeSocket.Receive(Reader, bytes, out _) == Errno.None)
            {
            }

            return;
        }

        while (NativeDescriptor.Read(Reader, bytes, out int read) == Errno.None && read == bytes.Length)
        {
        }
    }

    /// <summary>Closes both ends.</summary>
    public void Close()
    {
        _ = NativeSocket.Close(Reader);
        if (_writer != Reader)
        {
            _ = NativeSocket.Close(_writer);
        }
    }

    /// <summary>Windows can select on sockets only. No other program can send to a datagram socket that is connected.</summary>
    internal static Errno CreateSocket(out WakePair pair)
    {
        SocketAddress address = SocketAddress.Ip(IPAddress.Loopback, 0);
        Errno error = NativeSocket.Create(AddressKind.IPv4, out nint both, CommonAbi.SOCK_DGRAM);
        pair = new WakePair(both, both);
        if (error != Errno.None)
        {
            return error;
        }

        error = NativeSocket.Bind(both, address);
        error = error == Errno.None ? NativeSocket.LocalAddress(both, out address) : error;
        error = error == Errno.None ? NativeSocket.Connect(both, address) : error;
        if (error != Errno.None)
        {
            pair.Close();
        }

        return error;
    }

    [UnsupportedOSPlatform("windows")]
    private static Errno CreatePipe(out WakePair pair)
    {
        int* ends = stackalloc int[2];
        pair = new WakePair(NativeSocket.Invalid, NativeSocket.Invalid);
        Errno error = NativeDescriptor.Check(Libc.pipe(ends));
        if (error != Errno.None)
        {
            return error;
        }

        pair = new WakePair(ends[0], ends[1]);
        for (int i = 0; i < 2 && error == Errno.None; i++)
        {
            error = NativeDescriptor.SetNonBlocking(ends[i]);
            error = error == Errno.None ? NativeDescriptor.SetCloseOnExec(ends[i]) : error;
        }

        if (error != Errno.None)
        {
            pair.Close();
        }

        return error;
    }
}
