using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Poetry.Net;

/// <content>What the transports of a reactor share: the lines in which they wait, one read buffer, and spare transports.</content>
public sealed partial class Reactor
{
    /// <summary>
    /// What one read may bring, and what one connection may bring in one turn. Large enough that a fast download needs few
    /// calls; the memory is the kernel's until it is first written to, so that small reads never make it resident.
    /// </summary>
    private const int ReadBufferBytes = 256 * 1024;

    /// <summary>Spare transports that are kept. Beyond this a rush has passed, and its memory is better given back.</summary>
    private const int MostSpares = 1024;

    /// <summary>How long a client may keep silent, and open, after the end was sent.</summary>
    private static readonly TimeSpan LingerSilence = TimeSpan.FromSeconds(5);

    private readonly Dictionary<TimeSpan, TransportLine> _sendingLines = [];
    private readonly Stack<StreamTransport> _spares = new();
    private readonly RateLimit _refusedWatches = new(TimeSpan.FromSeconds(10));
    private Action? _whenNoConnections;
    private unsafe byte* _readBuffer;

    /// <summary>Those that talk: no time runs out on them but what their protocols set.</summary>
    internal TransportLine OpenLine { get; private set; } = null!;

    /// <summary>Those whose end has just been sent, outside the poller.</summary>
    internal TransportLine JustShutLine { get; private set; } = null!;

    /// <summary>When those are first looked at.</summary>
    internal FirstLook FirstLook { get; private set; } = null!;

    /// <summary>Those that have not closed after their first look.</summary>
    internal TransportLine QuietLine { get; private set; } = null!;

    /// <summary>Those that are over, to be shown out at the end of this turn.</summary>
    internal TransportLine LostLine { get; private set; } = null!;

    /// <summary>Connections that are not closed yet, whoever they belong to.</summary>
    public int Connections
    {
        get
        {
            int count = OpenLine.Count + JustShutLine.Count + QuietLine.Count + LostLine.Count;
            foreach (TransportLine line in _sendingLines.Values)
            {
                count += line.Count;
            }

            return count;
        }
    }

    /// <summary>Those of them whose end nobody waits for: see <see cref="ListenOptions.IsAside"/>.</summary>
    public int ConnectionsAside { get; internal set; }

    /// <summary>The reactor's one read buffer: what is in it lasts until the next read.</summary>
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

    /// <summary>
    /// Resets every connection whose poem is not whole, and closes those that only wait for their client to close.
    /// </summary>
    public void CloseConnections()
    {
        Action<StreamTransport> end = static transport => transport.End();
        OpenLine.ForEach(end);
        JustShutLine.ForEach(end);
        QuietLine.ForEach(end);
        foreach (TransportLine line in _sendingLines.Values)
        {
            line.ForEach(end);
        }
    }

    /// <summary>Calls once, at the end of the first turn in which there is no connection but those that stand aside.</summary>
    public void WhenNoConnections(Action call) => _whenNoConnections = call;

    /// <summary>Shortens the patience with clients that have everything and do not close: the server is about to end.</summary>
    public void HurryLingering(TimeSpan silence) => QuietLine.Hurry(silence);

    /// <summary>The line of those that have something to send, for a send time-out.</summary>
    internal TransportLine SendingLine(TimeSpan timeout)
    {
        TimeSpan patience = timeout == TimeSpan.MaxValue ? timeout : timeout / StreamTransport.LooksPerSendTimeout;
        if (!_sendingLines.TryGetValue(patience, out TransportLine? line))
        {
            var slack = TimeSpan.FromTicks(Math.Min(patience.Ticks / 16, TimeSpan.TicksPerSecond));
            line = new TransportLine(this, _timers, patience, slack, static transport => transport.SendingRanOut());
            _sendingLines.Add(patience, line);
        }

        return line;
    }

    /// <summary>A transport ready for a new life: a spare one, if there is.</summary>
    internal StreamTransport Rent() => _spares.TryPop(out StreamTransport? spare) ? spare : new StreamTransport(this);

    /// <summary>Takes a closed transport that nobody knows any more.</summary>
    internal void Return(StreamTransport transport)
    {
        if (_spares.Count < MostSpares)
        {
            _spares.Push(transport);
        }
    }

    private void MakeLines()
    {
        OpenLine = new TransportLine(this, null, TimeSpan.MaxValue, TimeSpan.Zero, static _ => { });
        LostLine = new TransportLine(this, null, TimeSpan.MaxValue, TimeSpan.Zero, static _ => { });
        JustShutLine = new TransportLine(
            this, _timers, FirstLook.Least, FirstLook.Least / 2, static transport => transport.LookAfterShutDown());
        FirstLook = new FirstLook(JustShutLine);
        QuietLine = new TransportLine(
            this, _timers, LingerSilence, LingerSilence / 16, static transport => transport.LingeringRanOut());
    }

    /// <summary>The system has no room for one more watch: a connection will be lost, and its client could not help it.</summary>
    internal void CannotWatch(Errno error)
    {
        if (_refusedWatches.TryPass(Now, out long suppressed))
        {
            ReactorLog.ConnectionsDropped(_log, suppressed + 1, error.Sentence());
        }
    }

    private void FinishLost()
    {
        while (LostLine.First is { } transport)
        {
            transport.Finish();
        }

        if (_whenNoConnections is { } call && Connections == ConnectionsAside)
        {
            _whenNoConnections = null;
            Guard(static idle => idle(), call);
        }
    }

    private unsafe void FreeReadBuffer()
    {
        NativeMemory.Free(_readBuffer);
        _readBuffer = null;
    }
}
