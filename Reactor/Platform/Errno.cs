using System.Globalization;
using System.IO;

namespace Poetry.Net;

/// <summary>
/// Why a system call failed. The names are the manual's and the numbers are Linux's. <see cref="LastError"/> translates those
/// of other systems, so that above it a number has one meaning.
/// </summary>
/// <remarks>
/// The list has the errors that are handled or expected; each has a <see cref="ErrnoText.Sentence(Errno)"/>. A number that
/// is not listed is passed on: unchanged on Linux, plus <see cref="ErrnoText.ForeignBase"/> on another system, so that it
/// is not taken for one of Linux's.
/// </remarks>
public enum Errno
{
    /// <summary>Success.</summary>
    None = 0,

    /// <summary>Operation not permitted.</summary>
    EPERM = 1,

    /// <summary>No such file or directory; for a Unix socket: no listener.</summary>
    ENOENT = 2,

    /// <summary>A signal came first. Callers do not see it: the call is repeated.</summary>
    EINTR = 4,

    /// <summary>The device failed.</summary>
    EIO = 5,

    /// <summary>No such device or address: a FIFO without a reader, opened for writing.</summary>
    ENXIO = 6,

    /// <summary>Not an open descriptor, or not open for this.</summary>
    EBADF = 9,

    /// <summary>It would have to wait. EWOULDBLOCK is the same.</summary>
    EAGAIN = 11,

    /// <summary>The kernel has no memory for this.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>A bad pointer: our bug.</summary>
    EFAULT = 14,

    /// <summary>In use by another process.</summary>
    EBUSY = 16,

    /// <summary>It exists already.</summary>
    EEXIST = 17,

    /// <summary>A rename across file systems.</summary>
    EXDEV = 18,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Part of the path is no directory.</summary>
    ENOTDIR = 20,

    /// <summary>It is a directory.</summary>
    EISDIR = 21,

    /// <summary>The kernel does not understand what it was asked.</summary>
    EINVAL = 22,

    /// <summary>The system as a whole has no descriptor left.</summary>
    ENFILE = 23,

    /// <summary>This process has no descriptor left.</summary>
    EMFILE = 24,

    /// <summary>Not a terminal, or not a request for this kind of descriptor.</summary>
    ENOTTY = 25,

    /// <summary>Larger than the limit for files.</summary>
    EFBIG = 27,

    /// <summary>The disk is full; from epoll: the user's limit of watches is reached.</summary>
    ENOSPC = 28,

    /// <summary>Not something to seek in.</summary>
    ESPIPE = 29,

    /// <summary>Mounted read-only.</summary>
    EROFS = 30,

    /// <summary>The reader has closed its end.</summary>
    EPIPE = 32,

    /// <summary>The path is longer than the system takes.</summary>
    ENAMETOOLONG = 36,

    /// <summary>This kernel has no such call.</summary>
    ENOSYS = 38,

    /// <summary>The directory is not empty.</summary>
    ENOTEMPTY = 39,

    /// <summary>Symbolic links in a circle, or one where none is followed.</summary>
    ELOOP = 40,

    /// <summary>The protocol went wrong; from accept: the connection that waited was broken.</summary>
    EPROTO = 71,

    /// <summary>Too large for the type that holds it.</summary>
    EOVERFLOW = 75,

    /// <summary>A name that is not valid in its encoding.</summary>
    EILSEQ = 84,

    /// <summary>Not a socket.</summary>
    ENOTSOCK = 88,

    /// <summary>No peer was named.</summary>
    EDESTADDRREQ = 89,

    /// <summary>Longer than a message may be.</summary>
    EMSGSIZE = 90,

    /// <summary>Not a protocol for this kind of socket; from connect to a Unix path: not a stream socket.</summary>
    EPROTOTYPE = 91,

    /// <summary>This socket has no such option.</summary>
    ENOPROTOOPT = 92,

    /// <summary>This system does not have the protocol.</summary>
    EPROTONOSUPPORT = 93,

    /// <summary>This socket can't do that. ENOTSUP is the same.</summary>
    EOPNOTSUPP = 95,

    /// <summary>This system does not have the family of addresses: mostly IPv6 switched off.</summary>
    EAFNOSUPPORT = 97,

    /// <summary>Another socket listens there already.</summary>
    EADDRINUSE = 98,

    /// <summary>Not an address of this machine; from connect: all local ports are taken.</summary>
    EADDRNOTAVAIL = 99,

    /// <summary>The network is down.</summary>
    ENETDOWN = 100,

    /// <summary>No route to the network.</summary>
    ENETUNREACH = 101,

    /// <summary>The network dropped the connection.</summary>
    ENETRESET = 102,

    /// <summary>The connection was given up before it was accepted.</summary>
    ECONNABORTED = 103,

    /// <summary>The peer ended the connection with a reset.</summary>
    ECONNRESET = 104,

    /// <summary>The kernel has no buffer for this now.</summary>
    ENOBUFS = 105,

    /// <summary>Connected already.</summary>
    EISCONN = 106,

    /// <summary>Not connected, or not any more.</summary>
    ENOTCONN = 107,

    /// <summary>The peer did not answer in time.</summary>
    ETIMEDOUT = 110,

    /// <summary>There is no listener.</summary>
    ECONNREFUSED = 111,

    /// <summary>The host is down.</summary>
    EHOSTDOWN = 112,

    /// <summary>No route to the host.</summary>
    EHOSTUNREACH = 113,

    /// <summary>It is under way already.</summary>
    EALREADY = 114,

    /// <summary>The connect has begun; its end shows as room for output.</summary>
    EINPROGRESS = 115,

    /// <summary>The user's share of the disk is used up.</summary>
    EDQUOT = 122,

    /// <summary>Taken back.</summary>
    ECANCELED = 125,
}

/// <summary>
/// Errors in words that users know. Not strerror's: those differ between systems and libraries, and depend on the locale.
/// </summary>
public static class ErrnoText
{
    /// <summary>
    /// Added to a number of a system other than Linux that has no name here. Chosen above all of Linux's (4095 is the
    /// last the kernel can return) and Winsock's (10000 to 11999).
    /// </summary>
    internal const int ForeignBase = 100_000;

    /// <summary>What went wrong, to follow a colon: "connection refused". Lower case, without a full stop.</summary>
    /// <returns>For an error that has no name here "unknown error" with its number.</returns>
    public static string Sentence(this Errno errno) => Known(errno) ?? Unknown(errno);

    /// <summary>As <see cref="Sentence(Errno)"/>, and for an error that has no name here also which call gave it.</summary>
    /// <param name="errno">The error.</param>
    /// <param name="call">The name of the call in the manual: "accept4".</param>
    public static string Sentence(this Errno errno, string call) => Known(errno) ?? $"{Unknown(errno)} from {call}";

    /// <summary>For calls that fail only through a bug or exhausted resources: call, sentence and number.</summary>
    /// <param name="call">The name of the call in the manual.</param>
    /// <param name="errno">What it said.</param>
    internal static IOException Failed(string call, Errno errno) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{call} failed: {errno.Sentence()} (errno {(int)errno})"));

    /// <summary>
    /// True if the kernel has no such call, or a container does not allow it: the seccomp filters of older container engines
    /// answer a call that they do not know with EPERM (runc issue 2151). Where there is another way, it is to be tried.
    /// </summary>
    internal static bool IsMissingCall(this Errno errno) => errno is Errno.ENOSYS or Errno.EPERM;

    /// <summary>A number of another system than Linux, kept apart from Linux's.</summary>
    internal static Errno Foreign(int raw) => (Errno)(ForeignBase + raw);

    private static string Unknown(Errno errno) => (int)errno >= ForeignBase
        ? string.Create(CultureInfo.InvariantCulture, $"unknown error {(int)errno - ForeignBase} of this system")
        : string.Create(CultureInfo.InvariantCulture, $"unknown error {(int)errno}");

    private static string? Known(Errno errno) => errno switch
    {
        Errno.None => "success",
        Errno.EPERM => "operation not permitted",
        Errno.ENOENT => "no such file or directory",
        Errno.EINTR => "interrupted by a signal",
        Errno.EIO => "input/output error",
        Errno.ENXIO => "no such device or address",
        Errno.EBADF => "bad file descriptor",
        Errno.EAGAIN => "would block",
        Errno.ENOMEM => "out of memory",
        Errno.EACCES => "permission denied",
        Errno.EFAULT => "bad address in memory",
        Errno.EBUSY => "in use by something else",
        Errno.EEXIST => "file exists",
        Errno.EXDEV => "on another file system",
        Errno.ENODEV => "no such device",
        Errno.ENOTDIR => "not a directory",
        Errno.EISDIR => "is a directory",
        Errno.EINVAL => "invalid argument",
        Errno.ENFILE => "too many open files in the system",
        Errno.EMFILE => "too many open files",
        Errno.ENOTTY => "not a terminal",
        Errno.EFBIG => "file too large",
        Errno.ENOSPC => "no space left on device",
        Errno.ESPIPE => "cannot seek",
        Errno.EROFS => "read-only file system",
        Errno.EPIPE => "broken pipe",
        Errno.ENAMETOOLONG => "file name too long",
        Errno.ENOSYS => "not implemented by this system",
        Errno.ENOTEMPTY => "directory not empty",
        Errno.ELOOP => "too many levels of symbolic links",
        Errno.EPROTO => "protocol error",
        Errno.EOVERFLOW => "value too large",
        Errno.EILSEQ => "not valid UTF-8",
        Errno.ENOTSOCK => "not a socket",
        Errno.EDESTADDRREQ => "destination address required",
        Errno.EMSGSIZE => "message too long",
        Errno.EPROTOTYPE => "wrong type of socket",
        Errno.ENOPROTOOPT => "option not available",
        Errno.EPROTONOSUPPORT => "protocol not supported",
        Errno.EOPNOTSUPP => "operation not supported",
        Errno.EAFNOSUPPORT => "address family not supported",
        Errno.EADDRINUSE => "address already in use",
        Errno.EADDRNOTAVAIL => "address not available",
        Errno.ENETDOWN => "network is down",
        Errno.ENETUNREACH => "network is unreachable",
        Errno.ENETRESET => "connection dropped by the network",
        Errno.ECONNABORTED => "connection aborted",
        Errno.ECONNRESET => "connection reset by peer",
        Errno.ENOBUFS => "no buffer space available",
        Errno.EISCONN => "already connected",
        Errno.ENOTCONN => "not connected",
        Errno.ETIMEDOUT => "connection timed out",
        Errno.ECONNREFUSED => "connection refused",
        Errno.EHOSTDOWN => "host is down",
        Errno.EHOSTUNREACH => "no route to host",
        Errno.EALREADY => "already in progress",
        Errno.EINPROGRESS => "in progress",
        Errno.EDQUOT => "disk quota exceeded",
        Errno.ECANCELED => "canceled",
        _ => null,
    };
}
