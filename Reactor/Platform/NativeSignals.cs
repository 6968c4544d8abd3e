using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Signals of a Unix process: numbers, masks and dispositions. Sets are bit masks, with bit n for signal n. Callable from any
/// thread. No call here throws or allocates.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static unsafe class NativeSignals
{
    /// <summary>sizeof(sigset_t) in glibc and musl.</summary>
    private const int MaskBytes = 128;

    public static int SIGUSR1 => OperatingSystem.IsLinux() ? LinuxAbi.SIGUSR1 : DarwinAbi.SIGUSR1;

    public static int SIGUSR2 => OperatingSystem.IsLinux() ? LinuxAbi.SIGUSR2 : DarwinAbi.SIGUSR2;

    /// <summary>Gets the set of one signal.</summary>
    public static uint SetOf(int signal) => 1u << signal;

    /// <summary>Blocks signals in the calling thread, and in threads that it creates.</summary>
    [SupportedOSPlatform("linux")]
    public static Errno Block(uint set) => ChangeMask(LinuxAbi.SIG_BLOCK, set);

    /// <summary>Unblocks signals in the calling thread.</summary>
    [SupportedOSPlatform("linux")]
    public static Errno Unblock(uint set) => ChangeMask(LinuxAbi.SIG_UNBLOCK, set);

    public static Errno Ignore(int signal) =>
        Libc.signal(signal, Libc.SIG_IGN) == Libc.SIG_ERR ? LastError.OfLibc() : Errno.None;

    /// <summary>True if the signal is ignored. nohup(1) and the shell's <c>&amp;</c> start programs with ignored signals.</summary>
    public static bool IsIgnored(int signal)
    {
        // On all systems struct sigaction begins with the handler. glibc has the longest: 152 bytes.
        byte* action = stackalloc byte[256];
        return Libc.sigaction(signal, null, action) == 0 && *(nint*)action == Libc.SIG_IGN;
    }

    /// <summary>Opens a descriptor that is readable while a blocked signal of the set is pending: signalfd(2).</summary>
    /// <param name="set">Signals that are blocked in every thread.</param>
    /// <param name="handle">The descriptor, owned by the caller; −1 after a failure.</param>
    [SupportedOSPlatform("linux")]
    public static Errno OpenSignalFd(uint set, out nint handle)
    {
        byte* mask = stackalloc byte[MaskBytes];
        Fill(mask, set);
        handle = LinuxAbi.signalfd(-1, mask, LinuxAbi.SFD_NONBLOCK | LinuxAbi.SFD_CLOEXEC);
        return handle < 0 ? LastError.OfLibc() : Errno.None;
    }

    /// <summary>Takes one pending signal from a signalfd.</summary>
    /// <returns>False if none is pending.</returns>
    [SupportedOSPlatform("linux")]
    public static bool TryReadSignalFd(nint handle, out int signal)
    {
        Span<byte> info = stackalloc byte[LinuxAbi.SignalfdSiginfoSize];
        bool isRead = NativeDescriptor.Read(handle, info, out int read) == Errno.None && read == info.Length;
        signal = isRead ? BitConverter.ToInt32(info) : 0; // ssi_signo is the first member
        return isRead;
    }

    [SupportedOSPlatform("linux")]
    private static Errno ChangeMask(int how, uint set)
    {
        byte* mask = stackalloc byte[MaskBytes];
        Fill(mask, set);
        return (Errno)Libc.pthread_sigmask(how, mask, null);
    }

    /// <summary>Writes a sigset_t, in which bit n − 1 is signal n. This needs a little-endian system.</summary>
    private static void Fill(byte* mask, uint set)
    {
        new Span<byte>(mask, MaskBytes).Clear();
        *(uint*)mask = set >> 1;
    }
}
