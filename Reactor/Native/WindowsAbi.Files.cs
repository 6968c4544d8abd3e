using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <content>Files and consoles: kernel32, fileapi.h, winbase.h, wincon.h. A BOOL is an int that is not 0.</content>
internal static unsafe partial class WindowsAbi
{
    private const string Kernel = "kernel32";

    // fileapi.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial nint CreateFileW(
        char* path, uint access, uint share, void* security, uint disposition, uint flags, nint template);

    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int ReadFile(nint handle, byte* buffer, uint length, uint* read, void* overlapped);

    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int WriteFile(nint handle, byte* data, uint length, uint* written, void* overlapped);

    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int FlushFileBuffers(nint handle);

    // handleapi.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int CloseHandle(nint handle);

    // processenv.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial nint GetStdHandle(int which);

    // fileapi.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial uint GetFileType(nint handle);

    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int GetFileInformationByHandle(nint handle, BY_HANDLE_FILE_INFORMATION* information);

    // winbase.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int MoveFileExW(char* from, char* to, uint flags);

    // fileapi.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int DeleteFileW(char* path);

    /// <summary>GetConsoleMode, consoleapi.h. Fails if the handle is not a console.</summary>
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int GetConsoleMode(nint handle, uint* mode);

    // consoleapi2.h
    [LibraryImport(Kernel, SetLastError = true), SupportedOSPlatform("windows")]
    public static partial int GetConsoleScreenBufferInfo(nint handle, CONSOLE_SCREEN_BUFFER_INFO* info);

    // winbase.h
    public const int STD_INPUT_HANDLE = -10; // −11 and −12 are output and error

    // winnt.h
    public const uint GENERIC_READ = 0x80000000;
    public const uint GENERIC_WRITE = 0x40000000;
    public const uint FILE_READ_ATTRIBUTES = 0x80;

    public const uint FILE_SHARE_ALL = 0x7; // FILE_SHARE_READ, _WRITE and _DELETE: Unix always allows these
    public const uint FILE_APPEND_DATA = 0x0004;

    // fileapi.h
    public const uint OPEN_ALWAYS = 4;
    public const uint CREATE_NEW = 1;
    public const uint OPEN_EXISTING = 3;

    // winnt.h
    public const uint FILE_ATTRIBUTE_DIRECTORY = 0x10;
    public const uint FILE_ATTRIBUTE_NORMAL = 0x80;
    public const uint FILE_ATTRIBUTE_REPARSE_POINT = 0x400; // a link, or a Unix socket

    // winbase.h
    public const uint FILE_FLAG_BACKUP_SEMANTICS = 0x02000000; // directories can be opened too
    public const uint FILE_FLAG_OPEN_REPARSE_POINT = 0x00200000; // the link itself

    // fileapi.h
    public const uint FILE_TYPE_DISK = 1;
    public const uint FILE_TYPE_CHAR = 2;
    public const uint FILE_TYPE_PIPE = 3; // also a socket

    // winbase.h
    public const uint MOVEFILE_REPLACE_EXISTING = 1; // what rename(2) does

    /// <summary>BY_HANDLE_FILE_INFORMATION, fileapi.h: 52 bytes, 4-aligned. Times are units of 100 ns since 1601.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 52)]
    public struct BY_HANDLE_FILE_INFORMATION
    {
        [FieldOffset(0)] public uint dwFileAttributes;
        [FieldOffset(20)] public uint ftLastWriteTime_Low;
        [FieldOffset(24)] public uint ftLastWriteTime_High;
        [FieldOffset(32)] public uint nFileSizeHigh;
        [FieldOffset(36)] public uint nFileSizeLow;
        [FieldOffset(44)] public uint nFileIndexHigh;
        [FieldOffset(48)] public uint nFileIndexLow;
    }

    /// <summary>CONSOLE_SCREEN_BUFFER_INFO, wincon.h: 22 bytes; srWindow is the visible part.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 22)]
    public struct CONSOLE_SCREEN_BUFFER_INFO
    {
        [FieldOffset(10)] public short srWindow_Left;
        [FieldOffset(12)] public short srWindow_Top;
        [FieldOffset(14)] public short srWindow_Right;
        [FieldOffset(16)] public short srWindow_Bottom;
    }
}
