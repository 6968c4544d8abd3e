using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Flushing to the disk, and pipes without a reader.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>Flushes what was written to a file to the disk.</summary>
    public static Errno Sync(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            return WindowsAbi.FlushFileBuffers(handle) != 0 ? Errno.None : LastError.OfWindows();
        }

        return NativeDescriptor.Check(Libc.fsync((int)handle));
    }

    /// <summary>Flushes the names in a directory to the disk. Windows does that by itself.</summary>
    public static Errno SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.None;
        }

        Errno error = OpenForReading(path, out nint handle);
        if (error == Errno.None)
        {
            error = Sync(handle);
            _ = Close(handle);
        }

        return error;
    }

    /// <summary>True if no process will ever read what is written to this pipe.</summary>
    public static bool IsReaderGone(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        // Errors and hang-ups are reported even though no event is asked for.
        var wanted = new Libc.struct_pollfd { fd = (int)handle };
        return Libc.poll(&wanted, 1, 0) > 0;
    }
}
