using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net;

/// <summary>
/// The error of the call that has just failed on this thread, as an <see cref="Errno"/>. Read it before any other call.
/// </summary>
internal static class LastError
{
    [UnsupportedOSPlatform("windows")]
    public static Errno OfLibc() => FromRaw(Marshal.GetLastSystemError());

    /// <summary>The value of WSAGetLastError or GetLastError. <c>SetLastError = true</c> saves it, since the runtime may call
    /// Windows between our call and this one.</summary>
    [SupportedOSPlatform("windows")]
    public static Errno OfWindows() => ErrnoTables.OfWindows(Marshal.GetLastPInvokeError());

    /// <summary>Translates an error number of this system, for example from SO_ERROR or a kevent.</summary>
    public static Errno FromRaw(int raw)
    {
        if (OperatingSystem.IsLinux())
        {
            return (Errno)raw;
        }

        return OperatingSystem.IsWindows()
            ? ErrnoTables.OfWindows(raw)
            : ErrnoTables.OfBsd(raw, OperatingSystem.IsFreeBSD());
    }
}
