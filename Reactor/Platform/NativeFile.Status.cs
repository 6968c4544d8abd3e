using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>The status of a file, from the struct of each system.</content>
internal static unsafe partial class NativeFile
{
    public static Errno Status(nint handle, out FileStatus status)
    {
        if (OperatingSystem.IsLinux())
        {
            byte empty = 0;
            return StatusOnLinux((int)handle, &empty, LinuxAbi.AT_EMPTY_PATH, out status);
        }

        return OperatingSystem.IsWindows()
            ? StatusOnWindows(StandardHandle(handle), out status)
            : StatusOnBsd((int)handle, null, out status);
    }

    public static bool IsRegular(nint handle) =>
        !OperatingSystem.IsWindows() && Status(handle, out FileStatus status) == Errno.None && status.Kind == FileKind.Regular;

    /// <summary>Gets the status of the file at a path. A link is not followed.</summary>
    public static Errno StatusOf(string path, out FileStatus status)
    {
        status = default;
        if (OperatingSystem.IsWindows())
        {
            const uint Flags = WindowsAbi.FILE_FLAG_BACKUP_SEMANTICS | WindowsAbi.FILE_FLAG_OPEN_REPARSE_POINT;
            Errno opened = OpenOnWindows(
                path, WindowsAbi.FILE_READ_ATTRIBUTES, WindowsAbi.OPEN_EXISTING, Flags, out nint handle);
            if (opened == Errno.None)
            {
                opened = StatusOnWindows(handle, out status);
                _ = WindowsAbi.CloseHandle(handle);
            }

            return opened;
        }

        byte* utf8 = stackalloc byte[MaxPathLength];
        Errno error = EncodePath(path, utf8);
        if (error != Errno.None)
        {
            return error;
        }

        return OperatingSystem.IsLinux()
            ? StatusOnLinux(LinuxAbi.AT_FDCWD, utf8, LinuxAbi.AT_SYMLINK_NOFOLLOW, out status)
            : StatusOnBsd(0, utf8, out status);
    }

    /// <summary>Uses statx; fstatat if a container's filter forbids statx.</summary>
    [SupportedOSPlatform("linux")]
    private static Errno StatusOnLinux(int directory, byte* path, int flags, out FileStatus status)
    {
        byte* stat = stackalloc byte[StatLayout.MaxBytes];
        StatLayout layout = StatLayout.Statx;
        Errno error = NativeDescriptor.Check(LinuxAbi.statx(directory, path, flags, LinuxAbi.STATX_BASIC_STATS, stat));
        if (error.IsMissingCall())
        {
            layout = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? StatLayout.LinuxOnX64 : StatLayout.Linux;
            error = NativeDescriptor.Check(LinuxAbi.fstatat(directory, path, stat, flags));
        }

        status = error == Errno.None ? StatusIn(stat, layout) : default;
        return error;
    }

    /// <summary>Gets the status by path if there is one, otherwise by descriptor.</summary>
    [UnsupportedOSPlatform("windows")]
    private static Errno StatusOnBsd(int fd, byte* path, out FileStatus status)
    {
        byte* stat = stackalloc byte[StatLayout.MaxBytes];
        int result = OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.X64
            ? (path == null ? DarwinAbi.fstat_INODE64(fd, stat) : DarwinAbi.lstat_INODE64(path, stat))
            : (path == null ? DarwinAbi.fstat(fd, stat) : DarwinAbi.lstat(path, stat));
        Errno error = NativeDescriptor.Check(result);
        StatLayout layout = OperatingSystem.IsFreeBSD() ? StatLayout.FreeBSD : StatLayout.MacOS;
        status = error == Errno.None ? StatusIn(stat, layout) : default;
        return error;
    }

    [UnsupportedOSPlatform("windows")]
    private static FileStatus StatusIn(byte* stat, StatLayout layout)
    {
        FileKind kind = (*(ushort*)(stat + layout.Mode) & Libc.S_IFMT) switch
        {
            Libc.S_IFREG => FileKind.Regular,
            Libc.S_IFDIR => FileKind.Directory,
            Libc.S_IFIFO => FileKind.Fifo,
            Libc.S_IFCHR => FileKind.CharacterDevice,
            Libc.S_IFSOCK => FileKind.Socket,
            Libc.S_IFLNK => FileKind.Link,
            _ => FileKind.Other,
        };
        long* modified = (long*)(stat + layout.Modified);
        long ticks = (modified[0] * TimeSpan.TicksPerSecond) + (modified[1] / TimeSpan.NanosecondsPerTick);
        return new FileStatus(kind, *(long*)(stat + layout.Size), ticks, *(ulong*)(stat + layout.Inode));
    }

    [SupportedOSPlatform("windows")]
    private static Errno StatusOnWindows(nint handle, out FileStatus status)
    {
        status = default;
        switch (WindowsAbi.GetFileType(handle))
        {
            case WindowsAbi.FILE_TYPE_DISK:
                break;
            case WindowsAbi.FILE_TYPE_CHAR:
                status = new FileStatus(FileKind.CharacterDevice, 0, 0, 0);
                return Errno.None;
            case WindowsAbi.FILE_TYPE_PIPE:
                status = new FileStatus(FileKind.Fifo, 0, 0, 0);
                return Errno.None;
            default:
                return LastError.OfWindows() is var error && error != Errno.None ? error : Errno.EBADF;
        }

        WindowsAbi.BY_HANDLE_FILE_INFORMATION info;
        if (WindowsAbi.GetFileInformationByHandle(handle, &info) == 0)
        {
            return LastError.OfWindows();
        }

        FileKind kind = (info.dwFileAttributes & WindowsAbi.FILE_ATTRIBUTE_DIRECTORY) != 0
            ? FileKind.Directory
            : FileKind.Regular;
        status = new FileStatus(
            (info.dwFileAttributes & WindowsAbi.FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? FileKind.Link : kind,
            ((long)info.nFileSizeHigh << 32) | info.nFileSizeLow,
            ((long)info.ftLastWriteTime_High << 32 | info.ftLastWriteTime_Low) - DateTime.UnixEpoch.ToFileTimeUtc(),
            ((ulong)info.nFileIndexHigh << 32) | info.nFileIndexLow);
        return Errno.None;
    }
}
