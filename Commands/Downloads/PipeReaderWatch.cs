using System;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Notices that the reader of standard output, a pipe, has gone, while there is nothing to write that would fail. The kernel reports that
/// as an error of the descriptor, even where only input is waited for.
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

    /// <summary>Begins to watch.</summary>
    /// <returns>Null if standard output is no pipe.</returns>
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
        // Nothing else can happen to it that matters, so it need not be watched any longer.
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
