using System;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net;

/// <summary>
/// The error of the call that has just failed on this thread, as an <see cref="Errno"/>. To be read before any other call.
/// </summary>
internal static class LastError
{
    [UnsupportedOSPlatform("windows")]
    public static Errno OfLibc() => FromRaw(Marshal.GetLastSystemError());

    /// <summary>WSAGetLastError or GetLastError, kept by <c>SetLastError = true</c>, since the runtime may call Windows
    /// between our call and this one.</summary>
    [SupportedOSPlatform("windows")]
    public static Errno OfWindows() => ErrnoTables.OfWindows(Marshal.GetLastPInvokeError());

    /// <summary>Translates an error number of this system, as from SO_ERROR or a kevent.</summary>
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
