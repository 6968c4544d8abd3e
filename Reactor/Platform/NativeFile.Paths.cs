using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>How paths and standard descriptors reach the system.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>rw-rw-rw-, from which the umask takes.</summary>
    private const int DefaultMode = 0x1B6;

    /// <summary>PATH_MAX of Linux with its NUL; other systems have less and say so themselves. In chars on Windows.</summary>
    private const int MaxPathLength = 4096;

    private static int CloseOnExecOfBsd =>
        OperatingSystem.IsFreeBSD() ? DarwinAbi.O_CLOEXEC_FreeBSD : DarwinAbi.O_CLOEXEC_macOS;

    private static int NoControllingTerminalOfBsd =>
        OperatingSystem.IsFreeBSD() ? DarwinAbi.O_NOCTTY_FreeBSD : DarwinAbi.O_NOCTTY_macOS;

    /// <summary>On Windows the handle that 0, 1 and 2 stand for; any other stands for itself.</summary>
    internal static nint StandardHandle(nint handle) => OperatingSystem.IsWindows() && handle is >= 0 and <= 2
        ? WindowsAbi.GetStdHandle(WindowsAbi.STD_INPUT_HANDLE - (int)handle)
        : handle;

    /// <summary>
    /// The one spelling of a path under which all spellings of it meet: links followed, nothing relative. Of a file that is
    /// not there yet its folder is spelled out; what can't be is made absolute, as far as its text tells.
    /// </summary>
    public static string RealPath(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return Path.GetFullPath(path);
        }

        if (RealPathOnUnix(path) is { } real)
        {
            return real;
        }

        int slash = path.LastIndexOf('/');
        string? folder = RealPathOnUnix(slash < 0 ? "." : path[..(slash + 1)]);
        return folder is null ? Path.GetFullPath(path) : $"{folder.TrimEnd('/')}/{path[(slash + 1)..]}";
    }

    [UnsupportedOSPlatform("windows")]
    private static string? RealPathOnUnix(string path)
    {
        byte* utf8 = stackalloc byte[MaxPathLength];
        byte* real = stackalloc byte[MaxPathLength];
        return EncodePath(path, utf8) == Errno.None && Libc.realpath(utf8, real) != null
            ? PathText.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(real))
            : null;
    }

    [UnsupportedOSPlatform("windows")]
    private static Errno OpenOnUnix(string path, int flags, out nint handle)
    {
        handle = NativeSocket.Invalid;
        byte* utf8 = stackalloc byte[MaxPathLength];
        Errno error = EncodePath(path, utf8);
        return error == Errno.None ? NativeDescriptor.Open(utf8, flags, DefaultMode, out handle) : error;
    }

    [SupportedOSPlatform("windows")]
    private static Errno OpenOnWindows(string path, uint access, uint disposition, uint flags, out nint handle)
    {
        handle = NativeSocket.Invalid;
        char* wide = stackalloc char[MaxPathLength];
        Errno error = CopyPath(path, wide);
        if (error != Errno.None)
        {
            return error;
        }

        handle = WindowsAbi.CreateFileW(wide, access, WindowsAbi.FILE_SHARE_ALL, null, disposition, flags, 0);
        return handle == NativeSocket.Invalid ? LastError.OfWindows() : Errno.None;
    }

    /// <summary>Writes a path as UTF-8, or as the bytes it was, with NUL at its end. A path with a NUL in it names nothing.</summary>
    private static Errno EncodePath(string path, byte* utf8)
    {
        if (path.Contains('\0'))
        {
            return Errno.ENOENT;
        }

        if (!PathText.TryEncode(path, new Span<byte>(utf8, MaxPathLength - 1), out int length))
        {
            return Errno.ENAMETOOLONG;
        }

        utf8[length] = 0;
        return Errno.None;
    }

    /// <summary>As <see cref="EncodePath"/>, in UTF-16.</summary>
    [SupportedOSPlatform("windows")]
    private static Errno CopyPath(string path, char* wide)
    {
        if (path.Contains('\0'))
        {
            return Errno.ENOENT;
        }

        if (!path.TryCopyTo(new Span<char>(wide, MaxPathLength - 1)))
        {
            return Errno.ENAMETOOLONG;
        }

        wide[path.Length] = '\0';
        return Errno.None;
    }
}
