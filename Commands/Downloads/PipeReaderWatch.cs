using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Detects that the reader of standard output, a pipe, has gone, even while nothing is written that would fail. The kernel
/// reports this as an error of the descriptor, even if the poller waits only for input.
/// </summary>
internal sealed class PipeReaderWatch : Descriptor, IDisposable
{
    private readonly Reactor _reactor;
    private readonly Action _onReaderGone;

    private PipeReaderWatch(Reactor reactor, Action onReaderGone)
        : base(StandardStreams.Output)
    {
        _reactor = reactor;
        _onReaderGone = onReaderGone;
    }

    /// <summary>Starts watching.</summary>
    /// <returns>Null if standard output is not a pipe.</returns>
    public static PipeReaderWatch? TryStart(Reactor reactor, Action onReaderGone)
    {
        if (NativeFile.Status(StandardStreams.Output, out FileStatus status) != Errno.None || status.Kind != FileKind.Fifo)
        {
            return null;
        }

        var watch = new PipeReaderWatch(reactor, onReaderGone);
        reactor.AddReader(watch);
        return watch;
    }

    /// <summary>Stops watching; the descriptor stays open.</summary>
    public void Dispose() => _reactor.RemoveAll(this);

    protected internal override void DoRead()
    {
        // Only the first event matters: stop watching.
        Dispose();
        if (NativeFile.IsReaderGone(StandardStreams.Output))
        {
            _onReaderGone();
        }
    }

    protected internal override void DoWrite() => DoRead();

    protected internal override void HungUp() => DoRead();

    protected internal override void ConnectionLost(Failure reason) => Dispose();
}
