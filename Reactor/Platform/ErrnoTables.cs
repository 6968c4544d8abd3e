namespace Poetry.Net;

/// <summary>Translates the error numbers of other systems to <see cref="Errno"/>, which has Linux's numbers.</summary>
internal static class ErrnoTables
{
    /// <summary>
    /// Translates errno, sys/errno.h of macOS and FreeBSD. Up to 34 (ERANGE) the numbers are the same as Linux's, except 11,
    /// which is EDEADLK there. Up to 78 the two systems agree.
    /// </summary>
    public static Errno OfBsd(int raw, bool freeBsd) => raw switch
    {
        11 => ErrnoText.Foreign(raw),
        >= 0 and <= 34 => (Errno)raw,
        >= 35 and <= 69 => OfSockets(raw, raw),
        78 => Errno.ENOSYS,
        84 => Errno.EOVERFLOW,
        86 when freeBsd => Errno.EILSEQ,
        92 when !freeBsd => Errno.EILSEQ,
        85 when freeBsd => Errno.ECANCELED,
        92 when freeBsd => Errno.EPROTO,
        89 when !freeBsd => Errno.ECANCELED,
        100 when !freeBsd => Errno.EPROTO,
        102 when !freeBsd => Errno.EOPNOTSUPP,
        _ => ErrnoText.Foreign(raw),
    };

    /// <summary>Translates errors of Winsock (winsock2.h, 10000 and above) and of Windows (winerror.h).</summary>
    public static Errno OfWindows(int raw) => raw switch
    {
        0 => Errno.None,
        2 or 3 => Errno.ENOENT, // ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND
        4 => Errno.EMFILE, // ERROR_TOO_MANY_OPEN_FILES
        5 => Errno.EACCES, // ERROR_ACCESS_DENIED
        6 => Errno.EBADF, // ERROR_INVALID_HANDLE
        8 or 14 => Errno.ENOMEM, // ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY
        17 => Errno.EXDEV, // ERROR_NOT_SAME_DEVICE
        19 => Errno.EROFS, // ERROR_WRITE_PROTECT
        32 or 33 => Errno.EBUSY, // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
        39 or 112 => Errno.ENOSPC, // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
        80 or 183 => Errno.EEXIST, // ERROR_FILE_EXISTS, ERROR_ALREADY_EXISTS
        87 or 123 => Errno.EINVAL, // ERROR_INVALID_PARAMETER, ERROR_INVALID_NAME
        109 or 232 => Errno.EPIPE, // ERROR_BROKEN_PIPE, ERROR_NO_DATA
        145 => Errno.ENOTEMPTY, // ERROR_DIR_NOT_EMPTY
        206 => Errno.ENAMETOOLONG, // ERROR_FILENAME_EXCED_RANGE
        267 => Errno.ENOTDIR, // ERROR_DIRECTORY
        10004 or 10009 or 10013 or 10014 or 10022 or 10024 => (Errno)(raw - 10000), // as on Linux
        >= 10035 and <= 10069 => OfSockets(raw - 10000, raw),
        _ => ErrnoText.Foreign(raw),
    };

    /// <summary>Translates 4.4BSD's numbers for sockets: BSD and macOS have them, and Winsock has them plus 10000.</summary>
    private static Errno OfSockets(int number, int raw) => number switch
    {
        35 => Errno.EAGAIN,
        36 => Errno.EINPROGRESS,
        37 => Errno.EALREADY,
        38 => Errno.ENOTSOCK,
        39 => Errno.EDESTADDRREQ,
        40 => Errno.EMSGSIZE,
        41 => Errno.EPROTOTYPE,
        42 => Errno.ENOPROTOOPT,
        43 => Errno.EPROTONOSUPPORT,
        45 => Errno.EOPNOTSUPP,
        47 => Errno.EAFNOSUPPORT,
        48 => Errno.EADDRINUSE,
        49 => Errno.EADDRNOTAVAIL,
        50 => Errno.ENETDOWN,
        51 => Errno.ENETUNREACH,
        52 => Errno.ENETRESET,
        53 => Errno.ECONNABORTED,
        54 => Errno.ECONNRESET,
        55 => Errno.ENOBUFS,
        56 => Errno.EISCONN,
        57 => Errno.ENOTCONN,
        58 => Errno.EPIPE, // ESHUTDOWN: our own direction has ended
        60 => Errno.ETIMEDOUT,
        61 => Errno.ECONNREFUSED,
        62 => Errno.ELOOP,
        63 => Errno.ENAMETOOLONG,
        64 => Errno.EHOSTDOWN,
        65 => Errno.EHOSTUNREACH,
        66 => Errno.ENOTEMPTY,
        69 => Errno.EDQUOT,
        _ => ErrnoText.Foreign(raw),
    };
}
