using System.Runtime.InteropServices;

namespace Poetry.Net.Native;

/// <summary>
/// One piece of memory of a gathered send: struct iovec, sys/uio.h; writev(2). The caller owns the memory, and must not move
/// it until the call returns.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct IoVector(byte* data, nint length)
{
    /// <summary>iov_base.</summary>
    public readonly byte* Data = data;

    /// <summary>iov_len, in bytes.</summary>
    public readonly nint Length = length;
}
