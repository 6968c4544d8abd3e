using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// kqueue(2) and kevent(2), sys/event.h, bound at run time, so that a Linux binary links without kqueue. On BSD the C library
/// has them, on Linux a library such as libkqueue.
/// </summary>
/// <param name="kqueue">int kqueue(void).</param>
/// <param name="kevent">int kevent(int kq, const struct kevent *changes, int, struct kevent *events, int, const struct timespec *).
/// </param>
/// <param name="eventSize">sizeof(struct kevent) in this library.</param>
[UnsupportedOSPlatform("windows")]
internal readonly unsafe struct KqueueLibrary(
    delegate* unmanaged<int> kqueue, delegate* unmanaged<int, void*, int, void*, int, Libc.struct_timespec*, int> kevent, int eventSize)
{
    /// <summary>The environment variable that names the library on Linux: a path, or a name for dlopen(3).</summary>
    public const string Variable = "POETRY_KQUEUE_LIBRARY";

    public readonly delegate* unmanaged<int> Kqueue = kqueue;
    public readonly delegate* unmanaged<int, void*, int, void*, int, Libc.struct_timespec*, int> Kevent = kevent;
    public readonly int EventSize = eventSize;

    /// <summary>Finds the functions: in the C library on macOS and FreeBSD, elsewhere in the library that
    /// <see cref="Variable"/> names.</summary>
    /// <exception cref="PollerUnavailableError">The functions were not found.</exception>
    public static KqueueLibrary Load()
    {
        nint handle;
        if (OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD())
        {
            handle = NativeLibrary.GetMainProgramHandle();
        }
        else if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } name)
        {
            throw Unavailable($"runs on macOS and FreeBSD only, unless {Variable} names a library that has it");
        }
        else if (!NativeLibrary.TryLoad(name, out handle))
        {
            throw Unavailable($"does not run here: {Variable} names '{name}', which can't be loaded");
        }

        return NativeLibrary.TryGetExport(handle, "kqueue", out nint kqueue)
            && NativeLibrary.TryGetExport(handle, "kevent", out nint kevent)
            ? new KqueueLibrary(
                (delegate* unmanaged<int>)kqueue,
                (delegate* unmanaged<int, void*, int, void*, int, Libc.struct_timespec*, int>)kevent,
                OperatingSystem.IsFreeBSD() ? DarwinAbi.KeventSize_FreeBSD : sizeof(DarwinAbi.struct_kevent))
            : throw Unavailable("does not run here: the library has no kqueue or no kevent");
    }

    private static PollerUnavailableError Unavailable(string why) => new($"{PollerChoice.Variable}: kqueue {why}");
}
