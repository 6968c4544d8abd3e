using System.Runtime.InteropServices;

namespace Poetry.Net;

/// <summary>The connections of a reactor, and what they share: the lists they are in, one read buffer, spare transports.</summary>
internal sealed class Connections
{
    /// <summary>
    /// The maximum that one read returns, and that one connection receives in one turn. Large enough for a fast download
    /// to need few calls; a page of the buffer becomes resident only when it is first written to.
    /// </summary>
    private const int ReadBufferBytes = 256 * 1024;

    /// <summary>The maximum time for a load balancer to send its PROXY header.</summary>
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The maximum time after FIN without data from the client and without its close.</summary>
    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(5);

    private readonly Reactor _reactor;
    private readonly Dictionary<TimeSpan, TimeoutList> _sending = [];

    /// <summary>All lists except <see cref="Closing"/>.</summary>
    private readonly List<TimeoutList> _lists;
    private readonly RateLimit _refusedWatches = new(TimeSpan.FromSeconds(10));
    private Action? _whenNone;
    private long _errorChecksTicks;
    private unsafe byte* _readBuffer;

    internal Connections(Reactor reactor)
    {
        _reactor = reactor;
        Transports = new Spares<StreamTransport>(() => new StreamTransport(reactor));
        Open = new TimeoutList(reactor, null, TimeSpan.MaxValue, TimeSpan.Zero, static _ => { });
        Closing = new TimeoutList(reactor, null, TimeSpan.MaxValue, TimeSpan.Zero, static _ => { });
        TimeSpan delay = Net.CloseProbeDelay.MinDelay;
        ShutdownProbes = new TimeoutList(
            reactor, reactor.Timers, delay, delay / 2, static transport => transport.ProbePeerClosed());
        CloseProbeDelay = new CloseProbeDelay(ShutdownProbes);
        AwaitingHeader = new TimeoutList(
            reactor, reactor.Timers, HeaderTimeout, HeaderTimeout / 16, static transport => transport.OnHeaderTimeout());
        Lingering = new TimeoutList(
            reactor, reactor.Timers, LingerTimeout, LingerTimeout / 16, static transport => transport.OnLingerTimeout());
        _lists = [Open, AwaitingHeader, ShutdownProbes, Lingering];
    }

    /// <summary>Connections that are not closed yet.</summary>
    public int Count
    {
        get
        {
            int count = Closing.Count;
            foreach (TimeoutList list in _lists)
            {
                count += list.Count;
            }

            return count;
        }
    }

    /// <summary>Transports that are not in use.</summary>
    public Spares<StreamTransport> Transports { get; }

    /// <summary>Connections of ports with <see cref="ListenOptions.IgnoredByDrain"/>.</summary>
    public int Ignored { get; set; }

    /// <summary>Connections with nothing to send. Only their protocols set timeouts.</summary>
    internal TimeoutList Open { get; }

    /// <summary>Connections whose PROXY header is not complete.</summary>
    internal TimeoutList AwaitingHeader { get; }

    /// <summary>Connections whose FIN was just sent, and that are not registered with the poller.</summary>
    internal TimeoutList ShutdownProbes { get; }

    /// <summary>The timeout of <see cref="ShutdownProbes"/>.</summary>
    internal CloseProbeDelay CloseProbeDelay { get; }

    /// <summary>Connections whose client had not closed when it was probed.</summary>
    internal TimeoutList Lingering { get; }

    /// <summary>Connections that have ended. Their sockets are closed at the end of this turn.</summary>
    internal TimeoutList Closing { get; }

    /// <summary>The reactor's one read buffer: its contents are valid until the next read.</summary>
    internal unsafe Span<byte> ReadBuffer
    {
        get
        {
            if (_readBuffer == null)
            {
                _readBuffer = (byte*)NativeMemory.Alloc(ReadBufferBytes);
            }

            return new Span<byte>(_readBuffer, ReadBufferBytes);
        }
    }

    /// <summary>Closes the connections that only wait for their client to close, and resets all others.</summary>
    public void CloseAll() => _lists.ForEach(static list => list.ForEach(static transport => transport.CloseNow()));

    /// <summary>
    /// True if the socket of a connection whose peer has closed may be asked for an error. That costs a system call, so it is
    /// done at most 20 times per second, and after a pause up to 20 times at once. That is enough for the checks of ten load
    /// balancers every half second, and a busy server does not notice it.
    /// </summary>
    internal bool TryTakeErrorCheck()
    {
        const long Interval = TimeSpan.TicksPerSecond / 20;
        const long Burst = 20 * Interval;
        long now = _reactor.Now.Ticks;
        long next = Math.Max(_errorChecksTicks, now - Burst) + Interval;
        if (next > now)
        {
            return false;
        }

        _errorChecksTicks = next;
        return true;
    }

    /// <summary>Stops the timers of the lists. Called at the end of the loop, when all connections are closed.</summary>
    internal void StopTimers() => _lists.ForEach(static list => list.StopTimer());

    /// <summary>Sets an action to call once, at the end of the first turn with only <see cref="Ignored"/> connections.</summary>
    public void WhenNone(Action call) => _whenNone = call;

    /// <summary>Shortens the time for clients to close after everything was sent to them: the server will end soon.</summary>
    public void ShortenLinger(TimeSpan timeout) => Lingering.Timeout = timeout;

    /// <summary>The list of connections with this send timeout that have data to send.</summary>
    internal TimeoutList Sending(TimeSpan timeout)
    {
        TimeSpan interval = timeout == TimeSpan.MaxValue ? timeout : timeout / StreamTransport.ChecksPerSendTimeout;
        if (!_sending.TryGetValue(interval, out TimeoutList? list))
        {
            var slack = TimeSpan.FromTicks(Math.Min(interval.Ticks / 16, TimeSpan.TicksPerSecond));
            list = new TimeoutList(_reactor, _reactor.Timers, interval, slack, static transport => transport.OnSendTimeout());
            _sending.Add(interval, list);
            _lists.Add(list);
        }

        return list;
    }

    /// <summary>Logs that the poller has refused a connection, which is therefore reset.</summary>
    internal void LogWatchRefused(Errno error)
    {
        if (_refusedWatches.TryPass(_reactor.Now, out long suppressed))
        {
            ReactorLog.WatchRefused(_reactor.Log, suppressed + 1, error.Sentence());
        }
    }

    /// <summary>Closes the sockets of connections that have ended. The last step of every turn.</summary>
    internal void CompleteCloses()
    {
        while (Closing.First is { } transport)
        {
            transport.CompleteClose();
        }

        if (_whenNone is { } call && Count == Ignored)
        {
            _whenNone = null;
            _reactor.Guard(static none => none(), call);
        }
    }

    internal unsafe void FreeReadBuffer()
    {
        NativeMemory.Free(_readBuffer);
        _readBuffer = null;
    }
}
