namespace Poetry.Net;

/// <summary>
/// A lock on the folder of a Unix socket, held while the socket is made or removed. The probe of a stale socket and its
/// removal are two steps; a server that started between them would lose its socket. The lock leaves no file in the folder.
/// </summary>
internal readonly struct UnixSocketLock : IDisposable
{
    private const int RetryMs = 20;
    private const nint None = -1;

    private readonly nint _folder;

    private UnixSocketLock(nint folder)
    {
        _folder = folder;
    }

    /// <summary>Takes the lock. If the folder can't be opened or locked, the caller goes on as if it had the lock.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="maxWaitMs">The maximum time to wait for another process.</param>
    /// <param name="isTaken">False if another process has the lock.</param>
    /// <exception cref="EndedBySignalError">A signal ended the wait.</exception>
    public static UnixSocketLock Take(string path, int maxWaitMs, out bool isTaken)
    {
        isTaken = true;
        string? name = path.StartsWith('\0') ? null : Path.GetDirectoryName(path);
        if (name is null || NativeFile.OpenForReading(name.Length == 0 ? "." : name, out nint folder) != Errno.None)
        {
            return new UnixSocketLock(None);
        }

        for (int waitedMs = 0; NativeFile.Lock(folder) == Errno.EAGAIN; waitedMs += RetryMs)
        {
            if (waitedMs >= maxWaitMs)
            {
                isTaken = false;
                break;
            }

            if (SignalQueue.Sleep(RetryMs) == Errno.EINTR)
            {
                _ = NativeFile.Close(folder);
                throw new EndedBySignalError();
            }
        }

        return new UnixSocketLock(folder);
    }

    public void Dispose()
    {
        if (_folder != None)
        {
            _ = NativeFile.Close(_folder);
        }
    }
}
