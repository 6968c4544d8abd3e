using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Poetry.Commands;

/// <summary>What a path leads to, symbolic links followed.</summary>
internal enum FileKind
{
    /// <summary>Nothing, or nothing that we may see.</summary>
    Missing,

    /// <summary>An ordinary file.</summary>
    Regular,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A device, a pipe or a socket: it is not to be replaced, and does not end when its reader thinks so.</summary>
    Special,
}

/// <summary>Tells files apart, and says in the words of the system why one could not be used.</summary>
internal static partial class FileKinds
{
    // fcntl.h, linux/stat.h.
    private const int AT_FDCWD = -100;
    private const uint STATX_TYPE = 1;

    // sys/stat.h.
    private const int TypeMask = 0xF000;
    private const int TypeDirectory = 0x4000;
    private const int TypeRegular = 0x8000;

    // struct statx, statx(2): the same on all processors.
    private const int StatxLength = 256;
    private const int StatxModeOffset = 28;

    /// <summary>What is there?</summary>
    public static FileKind Of(string path)
    {
        // /dev/stdout may lead to an ordinary file, and is no less to be left alone for that.
        bool isDevice = Path.GetFullPath(path) is var full
            && (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal))
            && File.Exists(path);
        if (isDevice)
        {
            return FileKind.Special;
        }

        if (OperatingSystem.IsLinux() && TryGetMode(path, out int mode))
        {
            return (mode & TypeMask) switch
            {
                TypeRegular => FileKind.Regular,
                TypeDirectory => FileKind.Directory,
                _ => FileKind.Special,
            };
        }

        // Elsewhere .NET does not tell pipes from files, but devices have been told by where they live.
        return Directory.Exists(path) ? FileKind.Directory : File.Exists(path) ? FileKind.Regular : FileKind.Missing;
    }

    /// <summary>Is it one of the exceptions by which a file system says no?</summary>
    public static bool IsOrdinary(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    /// <summary>Why a file could not be used, as the end of a sentence: <c>no such file or directory</c>.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        UnauthorizedAccessException => "permission denied",
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        PathTooLongException => "file name too long",

        // .NET leaves the errno of other errors in HResult, where its own codes are negative.
        IOException { HResult: > 0 and < 4096 } => StandardStreams.Describe(exception.HResult),
        _ => exception.Message,
    };

    private static unsafe bool TryGetMode(string path, out int mode)
    {
        byte* status = stackalloc byte[StatxLength];
        mode = 0;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (GetStatus(AT_FDCWD, name, 0, STATX_TYPE, status) != 0)
            {
                return false;
            }
        }

        mode = *(ushort*)(status + StatxModeOffset);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "statx")]
    private static unsafe partial int GetStatus(int directory, byte* path, int flags, uint mask, byte* status);
}
