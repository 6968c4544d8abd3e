using System.Globalization;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Files and standard descriptors by system calls, since the runtime hides errors: System.Console ignores EPIPE and fails on a
/// full disk; System.IO waits without limit for the writer of a FIFO. Stateless, callable from any thread. No call throws or
/// allocates. A handle is a descriptor; on Windows a HANDLE, with 0, 1 and 2 for the standard streams. The caller owns an
/// opened handle; it is −1 after a failure.
/// </summary>
internal static unsafe partial class NativeFile
{
    /// <summary>Opens a file for reading. Never waits, even for the writer of a FIFO; a read may then return EAGAIN.</summary>
    public static Errno OpenForReading(string path, out nint handle)
    {
        const uint Flags = WindowsAbi.FILE_ATTRIBUTE_NORMAL | WindowsAbi.FILE_FLAG_BACKUP_SEMANTICS;
        return OperatingSystem.IsWindows()
            ? OpenOnWindows(path, WindowsAbi.GENERIC_READ, WindowsAbi.OPEN_EXISTING, Flags, out handle)
            : OpenOnUnix(path, Libc.O_RDONLY | NonBlocking | NoControllingTerminal, out handle);
    }

    /// <summary>Creates a file for writing, with the permissions that the umask leaves.</summary>
    /// <returns>EEXIST if the name exists, even as a link.</returns>
    public static Errno CreateNew(string path, out nint handle) => OperatingSystem.IsWindows()
        ? OpenOnWindows(path, WindowsAbi.GENERIC_WRITE, WindowsAbi.CREATE_NEW, WindowsAbi.FILE_ATTRIBUTE_NORMAL, out handle)
        : OpenOnUnix(path, Libc.O_WRONLY | Create | Exclusive, out handle);

    /// <summary>Opens or creates a file; every write goes to its end. Never waits, even for the reader of a FIFO.</summary>
    public static Errno OpenForAppending(string path, out nint handle) => OperatingSystem.IsWindows()
        ? OpenOnWindows(path, WindowsAbi.FILE_APPEND_DATA, WindowsAbi.OPEN_ALWAYS, WindowsAbi.FILE_ATTRIBUTE_NORMAL, out handle)
        : OpenOnUnix(path, Libc.O_WRONLY | Create | Append | NonBlocking | NoControllingTerminal, out handle);

    /// <summary>Opens an existing device, FIFO or file for writing. Never waits.</summary>
    /// <returns>ENXIO for a FIFO without a reader.</returns>
    public static Errno OpenForWriting(string path, out nint handle) => OperatingSystem.IsWindows()
        ? OpenOnWindows(path, WindowsAbi.GENERIC_WRITE, WindowsAbi.OPEN_EXISTING, WindowsAbi.FILE_ATTRIBUTE_NORMAL, out handle)
        : OpenOnUnix(path, Libc.O_WRONLY | NonBlocking | NoControllingTerminal, out handle);

    /// <summary>
    /// Opens the terminal or pipe of a descriptor again, for writing without blocking. Unlike duplicates, the two do not share
    /// flags such as O_NONBLOCK. Do not use it for files: the new handle begins at their start.
    /// </summary>
    /// <returns>ENOSYS if the system can't do that: on the BSDs /dev/fd only duplicates. EBADF for a descriptor that was opened
    /// for reading only, as the replacement of a closed standard output: the second open would hide that it can't be written.</returns>
    public static Errno OpenAgainWithoutBlocking(nint descriptor, out nint handle)
    {
        handle = NativeSocket.Invalid;
        return !OperatingSystem.IsLinux() ? Errno.ENOSYS
            : !NativeDescriptor.IsWritable(descriptor) ? Errno.EBADF
            : OpenForWriting(string.Create(CultureInfo.InvariantCulture, $"/dev/fd/{descriptor}"), out handle);
    }

    /// <summary>Reads the available bytes into a buffer that is not empty. 0 bytes without an error mean the end of input.</summary>
    public static Errno Read(nint handle, Span<byte> buffer, out int read)
    {
        if (!OperatingSystem.IsWindows())
        {
            return NativeDescriptor.Read(handle, buffer, out read);
        }

        fixed (byte* data = buffer)
        {
            uint count = 0;
            Errno error = CheckWindows(WindowsAbi.ReadFile(StandardHandle(handle), data, (uint)buffer.Length, &count, null));
            read = (int)count;
            return error == Errno.EPIPE ? Errno.None : error; // the end of a pipe is an error on Windows
        }
    }

    /// <summary>Writes as many bytes as the system accepts. A blocking descriptor accepts all, unless a signal, a full disk or a
    /// limit comes first; writing the rest then returns the error.</summary>
    public static Errno Write(nint handle, ReadOnlySpan<byte> data, out int written)
    {
        if (!OperatingSystem.IsWindows())
        {
            return NativeDescriptor.Write(handle, data, out written);
        }

        fixed (byte* bytes = data)
        {
            uint count = 0;
            Errno error = CheckWindows(WindowsAbi.WriteFile(StandardHandle(handle), bytes, (uint)data.Length, &count, null));
            written = (int)count;
            return error;
        }
    }

    /// <summary>Closes the handle. The error may belong to an earlier write that failed late (NFS, quotas).</summary>
    public static Errno Close(nint handle) => OperatingSystem.IsWindows()
        ? CheckWindows(WindowsAbi.CloseHandle(StandardHandle(handle)))
        : NativeDescriptor.Close(handle);

    /// <summary>Locks an open file or directory without waiting, until the handle is closed. Advisory: flock(2).</summary>
    /// <returns>EAGAIN if another process has the lock.</returns>
    public static Errno Lock(nint handle) => OperatingSystem.IsWindows()
        ? Errno.EOPNOTSUPP
        : NativeDescriptor.Check(Libc.flock((int)handle, Libc.LOCK_EX | Libc.LOCK_NB));

    /// <summary>Renames a file atomically; a file at the new name is replaced.</summary>
    public static Errno Rename(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            fixed (char* wideFrom = from, wideTo = to)
            {
                return from.Contains('\0') || to.Contains('\0')
                    ? Errno.ENOENT
                    : CheckWindows(WindowsAbi.MoveFileExW(wideFrom, wideTo, WindowsAbi.MOVEFILE_REPLACE_EXISTING));
            }
        }

        return CallWithPaths(&Libc.rename, from, to);
    }

    /// <summary>Gives a file a second name.</summary>
    /// <returns>EEXIST if the name exists; EOPNOTSUPP on Windows.</returns>
    public static Errno Link(string path, string name) =>
        OperatingSystem.IsWindows() ? Errno.EOPNOTSUPP : CallWithPaths(&Libc.link, path, name);

    /// <summary>Removes a name. A link is not followed.</summary>
    public static Errno Unlink(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            fixed (char* wide = path)
            {
                return path.Contains('\0') ? Errno.ENOENT : CheckWindows(WindowsAbi.DeleteFileW(wide));
            }
        }

        byte* utf8 = stackalloc byte[MaxPathLength];
        Errno error = EncodePath(path, utf8);
        return error == Errno.None ? NativeDescriptor.Check(Libc.unlink(utf8)) : error;
    }
}
