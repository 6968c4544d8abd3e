using System;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The error of the call that has just failed on this thread, in the numbers of <see cref="Errno"/>. To be read before
/// anything else is called.
/// </summary>
internal static class LastError
{
    /// <summary>errno(3).</summary>
    [UnsupportedOSPlatform("windows")]
    public static Errno OfLibc() => FromRaw(Marshal.GetLastSystemError());

    /// <summary>WSAGetLastError or GetLastError, kept by <c>SetLastError = true</c>: the runtime may call Windows between
    /// our call and this one.</summary>
    [SupportedOSPlatform("windows")]
    public static Errno OfWindows() => WindowsAbi.ToErrno(Marshal.GetLastPInvokeError());

    /// <summary>A number that this system uses for an error, as from SO_ERROR or a kevent.</summary>
    public static Errno FromRaw(int raw)
    {
        if (OperatingSystem.IsLinux())
        {
            return (Errno)raw;
        }

        return OperatingSystem.IsWindows()
            ? WindowsAbi.ToErrno(raw)
            : DarwinAbi.ToErrno(raw, OperatingSystem.IsFreeBSD());
    }
}
