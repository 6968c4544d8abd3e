namespace Poetry.Net.Native;

/// <summary>
/// The offsets, in bytes, of the fields that we read from a file status: struct statx, linux/stat.h, or struct stat, sys/stat.h.
/// </summary>
/// <param name="Mode">st_mode: its lower 16 bits, on a little-endian machine.</param>
/// <param name="Inode">st_ino: 64 bits.</param>
/// <param name="Size">st_size: 64 bits.</param>
/// <param name="Modified">st_mtime: 64 bits of seconds, then nanoseconds, which 64 bits hold with their padding.</param>
internal readonly record struct StatLayout(int Mode, int Inode, int Size, int Modified)
{
    /// <summary>The longest of these structs, statx.</summary>
    public const int MaxBytes = 256;

    /// <summary>struct statx: the same on every processor.</summary>
    public static readonly StatLayout Statx = new(Mode: 28, Inode: 32, Size: 40, Modified: 112);

    /// <summary>struct stat of Linux on x86-64, asm/stat.h: 144 bytes.</summary>
    public static readonly StatLayout LinuxOnX64 = new(Mode: 24, Inode: 8, Size: 48, Modified: 88);

    /// <summary>struct stat of Linux on arm64, riscv64 and loongarch64, asm-generic/stat.h: 128 bytes.</summary>
    public static readonly StatLayout Linux = new(Mode: 16, Inode: 8, Size: 48, Modified: 88);

    /// <summary>struct stat of macOS with 64-bit inode numbers: 144 bytes.</summary>
    public static readonly StatLayout MacOS = new(Mode: 4, Inode: 8, Size: 96, Modified: 48);

    /// <summary>struct stat since FreeBSD 12: 224 bytes.</summary>
    public static readonly StatLayout FreeBSD = new(Mode: 24, Inode: 8, Size: 112, Modified: 64);
}
