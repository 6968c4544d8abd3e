namespace Poetry.Net;

/// <summary>The kind of a file at a path or a descriptor.</summary>
internal enum FileKind : byte
{
    /// <summary>Another kind, such as a block device.</summary>
    Other,
    Regular,
    Directory,
    Fifo,
    CharacterDevice,
    Socket,

    /// <summary>A symbolic link; only <see cref="NativeFile.StatusOf"/> returns it.</summary>
    Link,
}

/// <summary>The status of a file at one moment.</summary>
/// <param name="Kind">The kind of the file.</param>
/// <param name="SizeBytes">The length of a regular file.</param>
/// <param name="ModifiedTicks">The time of the last write, in 100 ns since 1970.</param>
/// <param name="Identity">The number in the file system (inode). A file that replaces this one has a different number.</param>
internal readonly record struct FileStatus(FileKind Kind, long SizeBytes, long ModifiedTicks, ulong Identity)
{
    /// <summary>True if it is the same file and was not written to since. The resolution of the file system's clock may be as
    /// coarse as the kernel's tick of 4 ms: a second write within it is not noticed.</summary>
    public bool IsUnchangedSince(in FileStatus earlier) =>
        Identity == earlier.Identity && SizeBytes == earlier.SizeBytes && ModifiedTicks == earlier.ModifiedTicks;

    /// <summary>The time since the last write; negative if the file's time is in the future.</summary>
    public TimeSpan AgeAt(DateTime utcNow) => utcNow - DateTime.UnixEpoch - TimeSpan.FromTicks(ModifiedTicks);
}
