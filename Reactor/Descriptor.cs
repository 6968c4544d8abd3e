namespace Poetry.Net;

/// <summary>
/// A file descriptor (on Windows a SOCKET) that the reactor can watch: Twisted's <c>IReadDescriptor</c> and
/// <c>IWriteDescriptor</c> in one. To add a descriptor to the loop, derive a class and pass it to
/// <see cref="Reactor.AddReader"/> or <see cref="Reactor.AddWriter"/>. The derived class owns the descriptor, and closes it
/// after <see cref="Reactor.RemoveAll"/>.
/// </summary>
public abstract class Descriptor
{
    private protected const nint NoHandle = -1;

    /// <summary>Wraps a descriptor.</summary>
    /// <param name="handle">The descriptor; −1 for none yet. It must not block (<c>O_NONBLOCK</c>), or a spurious event will
    /// block the loop. A regular file is always ready.</param>
    protected Descriptor(nint handle)
    {
        Handle = handle;
    }

    /// <summary>The descriptor; −1 for none.</summary>
    public nint Handle { get; protected set; }

    /// <summary>The slot in the <see cref="DescriptorTable"/> and its generation; 0 while the descriptor is not watched.</summary>
    internal ulong Token { get; set; }

    internal Interest Interest { get; set; }

    /// <summary>The socket's error that came with an event, if the backend reports it (kqueue).</summary>
    internal Errno PendingError { get; set; }

    /// <summary>True if it is a regular file: always ready, and never given to the poller.</summary>
    internal bool IsRegularFile { get; set; }

    /// <summary>True if it is registered with the poller, even if only for hang-ups.</summary>
    internal bool IsWatched => Token != 0;

    /// <summary>The name in the log.</summary>
    internal virtual string Description => GetType().Name;

    /// <summary>Called when input or its end can be read. Read once or a few times; unread input is reported again.</summary>
    protected internal abstract void DoRead();

    /// <summary>Called when output can be written.</summary>
    protected internal abstract void DoWrite();

    /// <summary>
    /// Called when the other side has hung up while the descriptor was watched for neither input nor output. The hang-up is
    /// reported again and again until <see cref="Reactor.RemoveAll"/> is called.
    /// </summary>
    protected internal virtual void HungUp() => ConnectionLost(ConnectionDone.Failure);

    /// <summary>
    /// Called when a callback of the descriptor has thrown, or the reactor ends. The reactor no longer watches it: close it.
    /// </summary>
    /// <param name="reason">The exception, or <see cref="ConnectionAborted"/> when the reactor ends.</param>
    protected internal abstract void ConnectionLost(Failure reason);
}
