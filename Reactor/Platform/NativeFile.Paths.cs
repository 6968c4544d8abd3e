using System.Runtime.Versioning;
using System.Text;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>The encoding of paths, and standard descriptors.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>The mode rw-rw-rw-, from which the kernel subtracts the umask.</summary>
    private const int DefaultMode = 0x1B6;

    /// <summary>PATH_MAX of Linux, with the NUL. Other systems have a lower limit and return an error.</summary>
    private const int MaxPathLength = 4096;

    internal static int NonBlocking => OperatingSystem.IsLinux() ? LinuxAbi.O_NONBLOCK : DarwinAbi.O_NONBLOCK;

    private static int Create => OperatingSystem.IsLinux() ? LinuxAbi.O_CREAT : DarwinAbi.O_CREAT;

    private static int Exclusive => OperatingSystem.IsLinux() ? LinuxAbi.O_EXCL : DarwinAbi.O_EXCL;

    private static int Append => OperatingSystem.IsLinux() ? LinuxAbi.O_APPEND : DarwinAbi.O_APPEND;

    private static int CloseOnExec => OperatingSystem.IsLinux() ? LinuxAbi.O_CLOEXEC
        : OperatingSystem.IsFreeBSD() ? DarwinAbi.O_CLOEXEC_FreeBSD : DarwinAbi.O_CLOEXEC_macOS;

    private static int NoControllingTerminal => OperatingSystem.IsLinux() ? LinuxAbi.O_NOCTTY
        : OperatingSystem.IsFreeBSD() ? DarwinAbi.O_NOCTTY_FreeBSD : DarwinAbi.O_NOCTTY_macOS;

    /// <summary>Gets the handle of the standard stream 0, 1 or 2 on Windows; returns other handles unchanged.</summary>
    internal static nint StandardHandle(nint handle) => OperatingSystem.IsWindows() && handle is >= 0 and <= 2
        ? WindowsAbi.GetStdHandle(WindowsAbi.STD_INPUT_HANDLE - (int)handle)
        : handle;

    [UnsupportedOSPlatform("windows")]
    private static Errno OpenOnUnix(string path, int flags, out nint handle)
    {
        handle = NativeSocket.Invalid;
        byte* utf8 = stackalloc byte[MaxPathLength];
        Errno error = EncodePath(path, utf8);
        return error == Errno.None ? NativeDescriptor.Open(utf8, flags | CloseOnExec, DefaultMode, out handle) : error;
    }

    [UnsupportedOSPlatform("windows")]
    private static Errno CallWithPaths(delegate*<byte*, byte*, int> call, string first, string second)
    {
        byte* utf8 = stackalloc byte[2 * MaxPathLength];
        Errno error = EncodePath(first, utf8);
        error = error == Errno.None ? EncodePath(second, utf8 + MaxPathLength) : error;
        return error == Errno.None ? NativeDescriptor.Check(call(utf8, utf8 + MaxPathLength)) : error;
    }

    [SupportedOSPlatform("windows")]
    private static Errno OpenOnWindows(string path, uint access, uint disposition, uint flags, out nint handle)
    {
        handle = NativeSocket.Invalid;
        if (path.Contains('\0'))
        {
            return Errno.ENOENT;
        }

        // A string ends with a NUL.
        fixed (char* wide = path)
        {
            handle = WindowsAbi.CreateFileW(wide, access, WindowsAbi.FILE_SHARE_ALL, null, disposition, flags, 0);
        }

        return handle == NativeSocket.Invalid ? LastError.OfWindows() : Errno.None;
    }

    /// <summary>Writes a path as UTF-8 with a NUL at its end. A path that contains a NUL can't exist.</summary>
    private static Errno EncodePath(string path, byte* utf8)
    {
        if (path.Contains('\0'))
        {
            return Errno.ENOENT;
        }

        // The runtime replaces bytes of an argument that are not UTF-8 with U+FFFD: the file can't be found by that name.
        if (path.Contains('\uFFFD'))
        {
            return Errno.EILSEQ;
        }

        if (!Encoding.UTF8.TryGetBytes(path, new Span<byte>(utf8, MaxPathLength - 1), out int length))
        {
            return Errno.ENAMETOOLONG;
        }

        utf8[length] = 0;
        return Errno.None;
    }

    [SupportedOSPlatform("windows")]
    private static Errno CheckWindows(int result) => result != 0 ? Errno.None : LastError.OfWindows();
}
