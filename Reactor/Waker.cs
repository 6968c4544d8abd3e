using System;

namespace Poetry.Net;

/// <summary>
/// Ends the reactor's sleep from another thread: a descriptor that becomes readable when it is written to.
/// <see cref="WakeUp"/> may be called from any thread; the rest is the reactor's.
/// </summary>
internal sealed class Waker : Descriptor, IDisposable
{
    private readonly Reactor _reactor;
    private readonly nint _writeEnd;

    public Waker(Reactor reactor)
        : base(NativeFile.CreateWakePair(out nint writeEnd))
    {
        _reactor = reactor;
        _writeEnd = writeEnd;
        reactor.AddReader(this);
    }

    /// <summary>Writing to a waker that is full fails, and need not succeed: the reactor is about to wake anyway.</summary>
    public void WakeUp() => NativeFile.WriteWakeUp(_writeEnd);

    /// <inheritdoc/>
    protected internal override void DoRead() => NativeFile.ReadWakeUps(Handle);

    /// <inheritdoc/>
    protected internal override void DoWrite()
    {
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _reactor.Unwatch(this);
    }

    public void Dispose()
    {
        if (Handle == NoHandle)
        {
            return;
        }

        _reactor.Unwatch(this);
        NativeFile.CloseWakePair(Handle, _writeEnd);
        Handle = NoHandle;
    }
}
