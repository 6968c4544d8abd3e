using System;

namespace Poetry.Net;

/// <summary>
/// Ends the reactor's sleep from another thread: a descriptor that becomes readable when it is written to.
/// <see cref="WakeUp"/> may be called from any thread; the rest is the reactor's.
/// </summary>
internal sealed class Waker : Descriptor, IDisposable
{
    private readonly Reactor _reactor;
    private readonly WakePair _pair;

    private Waker(Reactor reactor, WakePair pair)
        : base(pair.Reader)
    {
        _reactor = reactor;
        _pair = pair;
    }

    /// <summary>Creates one and watches it.</summary>
    /// <exception cref="System.IO.IOException">The kernel has no descriptor for it.</exception>
    public static Waker Create(Reactor reactor)
    {
        Errno error = WakePair.Create(out WakePair pair);
        if (error != Errno.None)
        {
            throw new System.IO.IOException($"cannot wake the reactor: {error.Sentence()}");
        }

        var waker = new Waker(reactor, pair);
        reactor.AddReader(waker);
        return waker;
    }

    /// <summary>Ends the current wait of the reactor, or the next one.</summary>
    public void WakeUp() => _pair.Signal();

    /// <inheritdoc/>
    protected internal override void DoRead() => _pair.Drain();

    /// <inheritdoc/>
    protected internal override void DoWrite()
    {
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason) => _reactor.Unwatch(this);

    public void Dispose()
    {
        _reactor.Unwatch(this);
        _pair.Close();
    }
}
