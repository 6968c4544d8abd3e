using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Resolves a path of <c>--output</c>. Links are followed and stay: a device or a pipe at their end is written to, a file at
/// their end is replaced.
/// </summary>
internal static class OutputPath
{
    /// <summary>The number of links that Linux follows (path_resolution(7)).</summary>
    private const int MaxLinks = 40;

    /// <summary>True if the path leads to a device, a pipe or a socket, or to a descriptor that is open already.</summary>
    public static bool IsSpecial(string path)
    {
        string resolved = Resolve(path);
        return IsDescriptor(Path.GetFullPath(resolved))
            || (NativeFile.StatusOf(resolved, out FileStatus status) == Errno.None
                && status.Kind is FileKind.Fifo or FileKind.CharacterDevice or FileKind.Socket or FileKind.Other);
    }

    /// <summary>Follows links until a path is not a link.</summary>
    /// <param name="path">The path; it may name a file that does not exist.</param>
    /// <returns>The last path: the path itself if it is not a link.</returns>
    public static string Resolve(string path)
    {
        string resolved = path;
        for (int i = 0; i < MaxLinks && !IsDescriptor(Path.GetFullPath(resolved)) && TargetOf(resolved) is { } target; i++)
        {
            resolved = Path.Join(Path.GetDirectoryName(resolved), target);
            resolved = Path.IsPathRooted(target) ? target : resolved;
        }

        return resolved;
    }

    /// <summary>Checks, before anything is fetched, that a file can have the name.</summary>
    /// <returns>
    /// The error of a name that is too long, belongs to a directory or a socket, or is in a directory that does not exist.
    /// </returns>
    public static Errno Check(string path)
    {
        string resolved = Resolve(path);
        Errno error = NativeFile.StatusOf(resolved, out FileStatus status);
        if (error != Errno.ENOENT)
        {
            return error != Errno.None ? error
                : status.Kind == FileKind.Directory ? Errno.EISDIR
                : status.Kind == FileKind.Socket && !IsDescriptor(Path.GetFullPath(resolved)) ? Errno.ENXIO
                : Errno.None;
        }

        // The point at the end follows a link to a directory, and fails for other files.
        return NativeFile.StatusOf(Path.Join(Path.GetDirectoryName(resolved), "."), out _);
    }

    /// <summary>True for the name of a descriptor. It may lead to a file, but means the open file, which no other file can
    /// replace.</summary>
    private static bool IsDescriptor(string full) =>
        full is "/dev/stdin" or "/dev/stdout" or "/dev/stderr"
        || full.StartsWith("/dev/fd/", StringComparison.Ordinal)
        || full.StartsWith("/proc/", StringComparison.Ordinal);

    private static string? TargetOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
