using System.Globalization;

namespace Poetry.Net;

#pragma warning disable CS1591 // The names are those of errno(3); ErrnoText has a sentence for each.

/// <summary>
/// The error of a system call. The names are the manual's and the numbers are Linux's. <see cref="LastError"/> translates the
/// numbers of other systems, so that callers see one meaning for each number.
/// </summary>
/// <remarks>
/// The list has the errors that are handled or expected; each has a <see cref="ErrnoText.Sentence(Errno)"/>. A number that is
/// not listed is passed on: unchanged on Linux; on another system <see cref="ErrnoText.ForeignBase"/> is added, so that it
/// differs from all numbers of Linux.
/// </remarks>
public enum Errno
{
    None = 0,
    EPERM = 1,
    ENOENT = 2, // also a Unix socket without a listener
    EINTR = 4, // callers do not see it: the call is repeated
    EIO = 5,
    ENXIO = 6, // a FIFO without a reader, opened for writing
    EBADF = 9,
    EAGAIN = 11, // EWOULDBLOCK is the same
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EBUSY = 16,
    EEXIST = 17,
    EXDEV = 18,
    ENODEV = 19,
    ENOTDIR = 20,
    EISDIR = 21,
    EINVAL = 22,
    ENFILE = 23,
    EMFILE = 24,
    ENOTTY = 25,
    EFBIG = 27,
    ENOSPC = 28, // from epoll: the user's limit of watches is reached
    ESPIPE = 29,
    EROFS = 30,
    EPIPE = 32,
    ENAMETOOLONG = 36,
    ENOSYS = 38,
    ENOTEMPTY = 39,
    ELOOP = 40, // also a link where links are not followed
    EPROTO = 71, // from accept: the queued connection was broken
    EOVERFLOW = 75,
    EILSEQ = 84,
    ENOTSOCK = 88,
    EDESTADDRREQ = 89,
    EMSGSIZE = 90,
    EPROTOTYPE = 91, // from connect to a Unix path: not a stream socket
    ENOPROTOOPT = 92,
    EPROTONOSUPPORT = 93,
    EOPNOTSUPP = 95, // ENOTSUP is the same
    EAFNOSUPPORT = 97, // usually IPv6 is switched off
    EADDRINUSE = 98,
    EADDRNOTAVAIL = 99, // from connect: all local ports are taken
    ENETDOWN = 100,
    ENETUNREACH = 101,
    ENETRESET = 102,
    ECONNABORTED = 103, // aborted before it was accepted
    ECONNRESET = 104,
    ENOBUFS = 105,
    EISCONN = 106,
    ENOTCONN = 107,
    ETIMEDOUT = 110,
    ECONNREFUSED = 111,
    EHOSTDOWN = 112,
    EHOSTUNREACH = 113,
    EALREADY = 114,
    EINPROGRESS = 115, // the connect has begun; the socket becomes writable when it ends
    EDQUOT = 122,
    ECANCELED = 125,
}

#pragma warning restore CS1591

/// <summary>
/// Errors in words that users know. strerror's words differ between systems and libraries, and depend on the locale.
/// </summary>
public static class ErrnoText
{
    /// <summary>
    /// The number that is added to an error without a name here, on a system other than Linux. Chosen: above all of Linux's
    /// numbers (the kernel returns at most 4095) and Winsock's (10000 to 11999).
    /// </summary>
    internal const int ForeignBase = 100_000;

    /// <summary>The error in words, to follow a colon: "connection refused". Lower case, without a full stop.</summary>
    /// <returns>The words; "unknown error" with its number if it has no name here.</returns>
    public static string Sentence(this Errno errno) => Known(errno) ?? Unknown(errno);

    /// <summary>As <see cref="Sentence(Errno)"/>; if the error has no name here, the words also name the call.</summary>
    /// <param name="errno">The error.</param>
    /// <param name="call">The name of the call in the manual: "accept4".</param>
    public static string Sentence(this Errno errno, string call) => Known(errno) ?? $"{Unknown(errno)} from {call}";

    /// <summary>Makes an exception with call, words and number, for calls that fail only by a bug or without resources.</summary>
    /// <param name="call">The name of the call in the manual.</param>
    /// <param name="errno">The error of the call.</param>
    internal static IOException Failed(string call, Errno errno) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{call} failed: {errno.Sentence()} (errno {(int)errno})"));

    /// <summary>
    /// True if the kernel does not have the call, or a container does not allow it: the seccomp filters of older container
    /// engines return EPERM for a call that they do not know (runc issue 2151). Callers then try another call if there is one.
    /// </summary>
    internal static bool IsMissingCall(this Errno errno) => errno is Errno.ENOSYS or Errno.EPERM;

    /// <summary>Makes the error of a system other than Linux, different from all errors of Linux.</summary>
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
