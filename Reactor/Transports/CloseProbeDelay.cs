using System;

namespace Poetry.Net;

/// <summary>
/// When a connection whose end was sent is first looked at. A look that finds its client gone is all the poller's work
/// that the connection ever costs; one that comes too early costs a read and a registration more. So the time is learned
/// from what the looks find: doubled while many are in vain, and let down slowly while they are not.
/// </summary>
/// <remarks>
/// Measured with 1,000 clients in flight that take 27 ms each: looking always after 4 ms cost 1.35 times the processor
/// time of the plain C server. On the reactor's thread only.
/// </remarks>
internal sealed class FirstLook
{
    /// <summary>Looks of which one decision is made.</summary>
    private const int Window = 512;

    /// <summary>So many in vain of one window are too many: then the clients need longer.</summary>
    private const int MostInVain = Window / 16;

    private readonly TransportLine _line;
    private int _looks;
    private int _inVain;

    /// <summary>Learns for a line.</summary>
    /// <param name="line">Its patience is set by what is learned, and is <see cref="Least"/> now.</param>
    public FirstLook(TransportLine line) => _line = line;

    /// <summary>
    /// Long enough for a client on a near network to have closed; short enough that few are held: at 20,000 connections a
    /// second, a hundred.
    /// </summary>
    public static TimeSpan Least { get; } = TimeSpan.FromMilliseconds(4);

    /// <summary>Beyond this a client is better left to the poller: the descriptors held meanwhile are too many.</summary>
    public static TimeSpan Most { get; } = TimeSpan.FromMilliseconds(64);

    /// <summary>A look was had.</summary>
    /// <param name="inVain">The client had not closed yet.</param>
    public void Had(bool inVain)
    {
        _looks++;
        _inVain += inVain ? 1 : 0;
        if (_inVain >= MostInVain)
        {
            Wait(_line.Patience * 2);
        }
        else if (_looks >= Window)
        {
            Wait(_line.Patience * 7 / 8);
        }
    }

    /// <summary>
    /// Descriptors or places have run out, and those who have closed already hold some of them: looks soon from now on.
    /// </summary>
    public void Hurry()
    {
        if (_line.Patience > Least)
        {
            _line.Hurry(Least);
        }
    }

    private void Wait(TimeSpan patience)
    {
        _looks = 0;
        _inVain = 0;
        _line.Patience = patience < Least ? Least : patience > Most ? Most : patience;
    }
}
