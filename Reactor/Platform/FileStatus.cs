using System;

namespace Poetry.Net;

/// <summary>What kind of thing a path or a descriptor is.</summary>
internal enum FileKind : byte
{
    /// <summary>Anything else, such as a block device.</summary>
    Other,
    Regular,
    Directory,
    Fifo,
    CharacterDevice,
    Socket,

    /// <summary>A symbolic link; only <see cref="NativeFile.StatusOf"/> sees it.</summary>
    Link,
}

/// <summary>The status of a file at one moment.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="SizeBytes">How long it is, for a regular file.</param>
/// <param name="ModifiedTicks">The time of the last write, in 100 ns since 1970.</param>
/// <param name="Identity">Its number in its file system (inode). Another file of the same name has another.</param>
internal readonly record struct FileStatus(FileKind Kind, long SizeBytes, long ModifiedTicks, ulong Identity)
{
    /// <summary>True if it is the same file and was not written to since, within the resolution of the file system's clock,
    /// which may be as coarse as the kernel's tick of 4 ms.</summary>
    public bool IsUnchangedSince(in FileStatus earlier) =>
        Identity == earlier.Identity && SizeBytes == earlier.SizeBytes && ModifiedTicks == earlier.ModifiedTicks;

    /// <summary>How long ago the file was written; negative if its time lies in the future.</summary>
    public TimeSpan AgeAt(DateTime utcNow) => utcNow - DateTime.UnixEpoch - TimeSpan.FromTicks(ModifiedTicks);
}
