using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>The properties of a terminal, without System.Console, which would change its settings.</summary>
internal static unsafe class NativeTerminal
{
    /// <summary>True if the handle is a terminal.</summary>
    /// <param name="handle">0, 1 or 2, or another descriptor.</param>
    public static bool IsTerminal(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            uint mode;
            return WindowsAbi.GetConsoleMode(NativeFile.StandardHandle(handle), &mode) != 0;
        }

        return Libc.isatty((int)handle) == 1;
    }

    /// <summary>Gets the size of a terminal in characters; zeros if the size is unknown, or it is not a terminal.</summary>
    public static (int Columns, int Rows) Size(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            WindowsAbi.CONSOLE_SCREEN_BUFFER_INFO info;
            return WindowsAbi.GetConsoleScreenBufferInfo(NativeFile.StandardHandle(handle), &info) != 0
                ? (info.srWindow_Right - info.srWindow_Left + 1, info.srWindow_Bottom - info.srWindow_Top + 1)
                : default;
        }

        Libc.struct_winsize size;
        int request = OperatingSystem.IsLinux() ? LinuxAbi.TIOCGWINSZ : DarwinAbi.TIOCGWINSZ;
        return NativeDescriptor.Ioctl(handle, request, &size) == Errno.None ? (size.ws_col, size.ws_row) : default;
    }
}
