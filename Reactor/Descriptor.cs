namespace Poetry.Net;

/// <summary>
/// Something with a file descriptor (on Windows a SOCKET) that the reactor can watch: Twisted's <c>IReadDescriptor</c> and
/// <c>IWriteDescriptor</c> in one. Subclass it to bring a descriptor of your own into the loop, and hand it to
/// <see cref="Reactor.AddReader"/> or <see cref="Reactor.AddWriter"/>. The subclass owns the descriptor and closes it,
/// after <see cref="Reactor.RemoveAll"/>.
/// </summary>
public abstract class Descriptor
{
    private protected const nint NoHandle = -1;

    /// <summary>Begins with a descriptor, or with none yet.</summary>
    /// <param name="handle">Must not block (<c>O_NONBLOCK</c>), or a spurious event will hold up the loop.</param>
    protected Descriptor(nint handle)
    {
        Handle = handle;
    }

    /// <summary>The descriptor; −1 when there is none, or none any more.</summary>
    public nint Handle { get; private protected set; }

    /// <summary>Where the reactor keeps it and which life of that place it belongs to; 0 while it is not watched.</summary>
    internal ulong Token { get; set; }

    /// <summary>What it is watched for.</summary>
    internal Interest Interest { get; set; }

    /// <summary>Is it known to the poller, be it for nothing but hang-ups?</summary>
    internal bool IsWatched => Token != 0;

    /// <summary>There is something to read, or the end of it. Read once or a few times; what is left is reported again.</summary>
    protected internal abstract void DoRead();

    /// <summary>There is room to write.</summary>
    protected internal abstract void DoWrite();

    /// <summary>
    /// The other side is gone, while nothing was watched for. What is not answered by <see cref="Reactor.RemoveAll"/> is
    /// reported again and again.
    /// </summary>
    protected internal virtual void HungUp() => ConnectionLost(ConnectionDone.Failure);

    /// <summary>
    /// The descriptor is to be given up: a callback of it has thrown, or the reactor ends. Remove it from the reactor and
    /// close it. It may come more than once.
    /// </summary>
    /// <param name="reason">Why.</param>
    protected internal abstract void ConnectionLost(Failure reason);
}
