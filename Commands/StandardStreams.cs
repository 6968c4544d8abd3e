using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Poetry.Commands;

/// <summary>
/// Standard output and standard error by write(2), and what the system knows of the terminals behind them.
/// <c>System.Console</c> hides a reader that has gone (EPIPE), dies on a full disk, and weighs more than all of this.
/// Any thread may write; two at once may mix their lines, so each stream has one owner at a time.
/// </summary>
internal static partial class StandardStreams
{
    /// <summary>The descriptor of standard input.</summary>
    public const int Input = 0;

    /// <summary>The descriptor of standard output.</summary>
    public const int Output = 1;

    /// <summary>The descriptor of standard error.</summary>
    public const int Error = 2;

    // open(2): the same on all systems that have it.
    private const int O_RDONLY = 0;
    private const int O_WRONLY = 1;

    // asm-generic/fcntl.h, in the octal of the header: 04000, 0400, 02000000.
    private const int LinuxO_NONBLOCK = 0x800;
    private const int LinuxO_NOCTTY = 0x100;
    private const int LinuxO_CLOEXEC = 0x80000;

    // asm-generic/ioctls.h; sys/ttycom.h: _IOR('t', 104, struct winsize).
    private const nuint LinuxTIOCGWINSZ = 0x5413;
    private const nuint BsdTIOCGWINSZ = 0x40087468;

    // errno(3): these three are the same on Linux and the BSDs, EAGAIN is not.
    private const int EINTR = 4;
    private const int EBADF = 9;
    private const int EPIPE = 32;

    // poll.h: the same on all of them.
    private const short POLLOUT = 4;

    /// <summary>The reader of a pipe or socket has gone.</summary>
    public static bool IsBrokenPipe(int error) => error == EPIPE;

    /// <summary>A time-out of poll.</summary>
    private const int WithoutEnd = -1;

    private static int EAGAIN => OperatingSystem.IsLinux() ? 11 : 35;

    /// <summary>
    /// Gives the descriptors 0 to 2 something harmless if the process was started without them: otherwise the first socket
    /// would become one of them, and a log line would go to a client. Writing to a substitute fails with EBADF, as it
    /// would have without it. To be called first of all.
    /// </summary>
    public static void Reserve()
    {
        for (int descriptor = Input; descriptor <= Error; descriptor++)
        {
            if (IsTerminal(descriptor) == 0 && Marshal.GetLastSystemError() == EBADF)
            {
                // open gives the lowest free number, and all below this one are taken.
                _ = Open("/dev/null\0"u8, descriptor == Input ? O_WRONLY : O_RDONLY);
            }
        }
    }

    /// <summary>Is the descriptor a terminal?</summary>
    public static bool IsTerminalAt(int descriptor) => IsTerminal(descriptor) == 1;

    /// <summary>Writes all of the bytes, waiting where the descriptor does not block.</summary>
    /// <returns>0, or the error that ended it; some of the bytes may have been written.</returns>
    public static int WriteAll(int descriptor, ReadOnlySpan<byte> bytes) => WriteAll(descriptor, bytes, out _);

    /// <summary>Writes all of the bytes, waiting where the descriptor does not block.</summary>
    /// <returns>0, or the error that ended it after <paramref name="written"/> bytes.</returns>
    public static int WriteAll(int descriptor, ReadOnlySpan<byte> bytes, out int written)
    {
        written = 0;
        while (written < bytes.Length)
        {
            int error = WriteSome(descriptor, bytes[written..], out int count);
            written += count;
            if (error == EAGAIN)
            {
                // Somebody else made it non-blocking: descriptors are shared with the shell and with other processes.
                error = WaitWritable(descriptor, WithoutEnd);
            }

            if (error != 0)
            {
                return error;
            }
        }

        return 0;
    }

    /// <summary>Writes text as UTF-8.</summary>
    /// <returns>0, or the error that ended it.</returns>
    public static int WriteAll(int descriptor, string text) => WriteAll(descriptor, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes what can be written without waiting.</summary>
    /// <param name="descriptor">If it blocks, a write of more than it has room for may wait all the same.</param>
    /// <param name="bytes">What to write.</param>
    /// <returns>How many bytes were written; 0 after any error.</returns>
    public static int WriteNow(int descriptor, ReadOnlySpan<byte> bytes) =>
        WaitWritable(descriptor, 0) == 0 && WriteSome(descriptor, bytes, out int written) == 0 ? written : 0;

    /// <summary>
    /// Opens the terminal behind a descriptor once more, for writing without blocking. What two descriptors of one opening
    /// share, O_NONBLOCK among it, these two do not.
    /// </summary>
    /// <returns>A descriptor, or −1 where the system can't do that: elsewhere /dev/fd only duplicates.</returns>
    public static int OpenWithoutBlocking(int descriptor)
    {
        if (!OperatingSystem.IsLinux())
        {
            return -1;
        }

        Span<byte> path = stackalloc byte[] { (byte)'/', (byte)'d', (byte)'e', (byte)'v', (byte)'/', (byte)'f', (byte)'d', (byte)'/', (byte)('0' + descriptor), 0 };
        return Open(path, O_WRONLY | LinuxO_NONBLOCK | LinuxO_NOCTTY | LinuxO_CLOEXEC);
    }

    /// <summary>Asks a terminal for the size of its window.</summary>
    /// <returns>False if there is no terminal, or it does not know.</returns>
    public static unsafe bool TryGetSize(int descriptor, out int columns, out int rows)
    {
        WindowSize size = default;
        nuint request = OperatingSystem.IsLinux() ? LinuxTIOCGWINSZ : BsdTIOCGWINSZ;

        // The third parameter is variadic. Apple passes those on the stack on arm64, behind eight registers.
        int result = OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? ControlOnStack(descriptor, request, 0, 0, 0, 0, 0, 0, &size)
            : Control(descriptor, request, &size);
        columns = size.Columns;
        rows = size.Rows;
        return result == 0 && columns > 0 && rows > 0;
    }

    /// <summary>What the system says of an error, as the end of a sentence: <c>no space left on device</c>.</summary>
    public static string Describe(int error)
    {
        string message = Marshal.GetPInvokeErrorMessage(error);
        return message.Length == 0 ? message : char.ToLowerInvariant(message[0]) + message[1..];
    }

    private static unsafe int WriteSome(int descriptor, ReadOnlySpan<byte> bytes, out int written)
    {
        fixed (byte* start = bytes)
        {
            nint result;
            do
            {
                result = Write(descriptor, start, (nuint)bytes.Length);
            }
            while (result < 0 && Marshal.GetLastSystemError() == EINTR);

            written = (int)Math.Max(result, 0);
            return result < 0 ? Marshal.GetLastSystemError() : 0;
        }
    }

    private static unsafe int WaitWritable(int descriptor, int timeoutMs)
    {
        var wanted = new PollDescriptor { Descriptor = descriptor, Events = POLLOUT };
        int count;
        do
        {
            count = Poll(&wanted, 1, timeoutMs);
        }
        while (count < 0 && Marshal.GetLastSystemError() == EINTR);

        return count > 0 ? 0 : count < 0 ? Marshal.GetLastSystemError() : EAGAIN;
    }

    /// <summary>struct pollfd of poll.h.</summary>
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short ReturnedEvents;
    }

    /// <summary>struct winsize: sys/ioctl.h, tty_ioctl(4).</summary>
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort WidthInPixels;
        public ushort HeightInPixels;
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int Control(int descriptor, nuint request, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int ControlOnStack(
        int descriptor, nuint request, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "write")]
    private static unsafe partial nint Write(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsTerminal(int descriptor);

    private static unsafe int Open(ReadOnlySpan<byte> path, int flags)
    {
        fixed (byte* start = path)
        {
            return Open(start, flags);
        }
    }

    /// <summary>Without its third parameter, which only O_CREAT reads and which would be variadic.</summary>
    [LibraryImport("libc", EntryPoint = "open")]
    private static unsafe partial int Open(byte* path, int flags);

    /// <summary>nfds_t is an unsigned long on Linux and an unsigned int on the BSDs; 1 is the same in both.</summary>
    [LibraryImport("libc", EntryPoint = "poll")]
    private static unsafe partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMs);
}
