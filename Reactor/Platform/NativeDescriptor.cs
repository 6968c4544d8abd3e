using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Calls for any Unix descriptor: file, pipe or socket. Stateless, callable from any thread. No call here throws, allocates or
/// is interrupted by a signal.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static unsafe class NativeDescriptor
{
    /// <summary>Reads the available bytes into a buffer that is not empty. 0 bytes without an error mean the end of input.</summary>
    public static Errno Read(nint handle, Span<byte> buffer, out int read)
    {
        fixed (byte* data = buffer)
        {
            nint result;
            do
            {
                result = Libc.read((int)handle, data, buffer.Length);
            }
            while (IsInterrupted(result));

            return CheckCount(result, out read);
        }
    }

    /// <summary>Writes as many bytes as the system accepts.</summary>
    public static Errno Write(nint handle, ReadOnlySpan<byte> data, out int written)
    {
        fixed (byte* bytes = data)
        {
            nint result;
            do
            {
                result = Libc.write((int)handle, bytes, data.Length);
            }
            while (IsInterrupted(result));

            return CheckCount(result, out written);
        }
    }

    /// <summary>Closes the descriptor. It is closed even after an error: do not close it again after EINTR.</summary>
    public static Errno Close(nint handle)
    {
        if (Libc.close((int)handle) == 0)
        {
            return Errno.None;
        }

        Errno error = LastError.OfLibc();
        return error == Errno.EINTR ? Errno.None : error;
    }

    /// <summary>Makes calls that would wait return EAGAIN. The flag belongs to the open file, so it holds for every descriptor
    /// of that file, also in other processes.</summary>
    public static Errno SetNonBlocking(nint handle)
    {
        int flags = Fcntl((int)handle, Libc.F_GETFL, 0);
        if (flags < 0)
        {
            return LastError.OfLibc();
        }

        return (flags & NativeFile.NonBlocking) != 0
            ? Errno.None
            : Check(Fcntl((int)handle, Libc.F_SETFL, flags | NativeFile.NonBlocking));
    }

    /// <summary>True if it was opened for writing.</summary>
    public static bool IsWritable(nint handle) =>
        Fcntl((int)handle, Libc.F_GETFL, 0) is var flags && flags >= 0 && (flags & Libc.O_ACCMODE) != Libc.O_RDONLY;

    /// <summary>Closes the descriptor in programs that this process starts.</summary>
    public static Errno SetCloseOnExec(nint handle) => Check(Fcntl((int)handle, Libc.F_SETFD, Libc.FD_CLOEXEC));

    /// <summary>True if it is an open descriptor.</summary>
    public static bool IsOpen(nint handle) => Fcntl((int)handle, Libc.F_GETFD, 0) >= 0;

    /// <summary>Makes a second descriptor of the same open file, close-on-exec.</summary>
    public static Errno Duplicate(nint handle, out nint duplicate)
    {
        int command = OperatingSystem.IsLinux() ? LinuxAbi.F_DUPFD_CLOEXEC
            : OperatingSystem.IsFreeBSD() ? DarwinAbi.F_DUPFD_CLOEXEC_FreeBSD : DarwinAbi.F_DUPFD_CLOEXEC_macOS;
        duplicate = Fcntl((int)handle, command, 0);
        return duplicate < 0 ? LastError.OfLibc() : Errno.None;
    }

    /// <summary>open(2), with a path in UTF-8 that ends with a NUL.</summary>
    public static Errno Open(byte* path, int flags, int mode, out nint handle)
    {
        int result;
        do
        {
            result = OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
                ? DarwinAbi.open(path, flags, 0, 0, 0, 0, 0, 0, mode)
                : Libc.open(path, flags, mode);
        }
        while (IsInterrupted(result));

        handle = result;
        return Check(result);
    }

    /// <summary>ioctl(2).</summary>
    public static Errno Ioctl(nint handle, nint request, void* argument) => Check(
        OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? DarwinAbi.ioctl((int)handle, request, 0, 0, 0, 0, 0, 0, argument)
            : Libc.ioctl((int)handle, request, argument));

    /// <summary>Gets the error of a call that returns −1 after a failure. Call it right after that call.</summary>
    public static Errno Check(int result) => result < 0 ? LastError.OfLibc() : Errno.None;

    /// <summary>As <see cref="Check"/>, for a call that returns a number of bytes.</summary>
    public static Errno CheckCount(nint result, out int count)
    {
        if (result < 0)
        {
            count = 0;
            return LastError.OfLibc();
        }

        count = (int)result;
        return Errno.None;
    }

    /// <summary>True if a signal has ended the call that returned this: repeat the call. Does not change errno.</summary>
    public static bool IsInterrupted(nint result) => result < 0 && LastError.OfLibc() == Errno.EINTR;

    private static int Fcntl(int fd, int command, nint argument) =>
        OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? DarwinAbi.fcntl(fd, command, 0, 0, 0, 0, 0, 0, argument)
            : Libc.fcntl(fd, command, argument);
}
