using System;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>What a request for a transformation may take.</summary>
/// <param name="maxLength">The longest request in bytes, its name included: 0 to <see cref="TextBuffer.MostBytes"/>.</param>
/// <param name="timeout">From accept to the last byte of the request; <see cref="TimeSpan.MaxValue"/> for no end.</param>
/// <param name="budget">Of all requests together, for every face on every reactor; null for <see cref="DefaultBudget"/>.</param>
internal sealed class TransformLimits(int maxLength, TimeSpan timeout, RequestBudget? budget = null)
{
    /// <summary>
    /// What all requests together may hold, unless the longest are longer or there is less memory. Chosen: as much as a proxy
    /// keeps by default; all those of a thousand clients with a quarter of a megabyte each.
    /// </summary>
    private const long MostTogether = 256 * 1024 * 1024;

    /// <summary>So many of the longest requests have room in any case.</summary>
    private const long LongestTogether = 4;

    /// <summary>Of all requests together.</summary>
    public RequestBudget Budget { get; } = budget ?? DefaultBudget(maxLength, AvailableMemory.Bytes());

    /// <summary>The longest request in bytes: the name, what ends it, and the text.</summary>
    public int MaxLength => maxLength;

    /// <summary>The longest transformed text in bytes.</summary>
    public int MaxReplyLength { get; } = (int)Math.Min((long)maxLength * TransformService.MostGrowth, TextBuffer.MostBytes);

    /// <summary>How long a request may take, and then its transformation.</summary>
    public TimeSpan Timeout => timeout;

    /// <summary>What all may hold if nobody says how much: no more than half of the memory, but one of the longest.</summary>
    /// <param name="maxLength">The longest request; where that is as long as memory reaches, so may be all together.</param>
    /// <param name="available">What memory there is, in bytes.</param>
    internal static RequestBudget DefaultBudget(int maxLength, long available)
    {
        long wanted = maxLength == TextBuffer.MostBytes ? long.MaxValue : Math.Max(MostTogether, LongestTogether * maxLength);
        return new RequestBudget(Math.Min(wanted, Math.Max(available / 2, maxLength)));
    }
}

/// <summary>
/// Builds the protocols of one face of a service, and uses them again: a request that fits its buffer costs no object.
/// </summary>
/// <param name="service">Shared by all faces.</param>
/// <param name="asText">The text face, or the netstring face.</param>
/// <param name="limits">Of a request.</param>
/// <param name="clock">The reactor's.</param>
/// <param name="timers">The reactor's.</param>
/// <param name="log">Where the records go.</param>
internal sealed class TransformServerFactory(
    TransformService service, bool asText, TransformLimits limits, IClock clock, TimerQueue timers, ILogger log)
    : ReusingFactory<TransformServer>, IRequestFactory
{
    private TransformServer? _newest;

    /// <summary>Does the server end?</summary>
    public bool IsHurried { get; private set; }

    /// <summary>What transforms.</summary>
    public TransformService Service => service;

    /// <summary>Of a request.</summary>
    public TransformLimits Limits => limits;

    /// <summary>The reactor's.</summary>
    public IClock Clock => clock;

    /// <summary>The reactor's.</summary>
    public TimerQueue Timers => timers;

    /// <summary>Where the records go.</summary>
    public ILogger Log => log;

    /// <summary>Where transformations that fail are told of.</summary>
    public RepeatedErrorLog Failures { get; } = new(
        clock,
        problem => TransformLog.Failed(log, problem),
        (count, problem) => TransformLog.FailedAgain(log, count, problem));

    /// <summary>Buffers for requests and replies.</summary>
    public TextBufferPool Buffers { get; } = new();

    /// <inheritdoc/>
    public void CloseIdle(TimeSpan silence)
    {
        IsHurried = true;
        for (TransformServer? server = _newest; server is not null; server = server.Older)
        {
            server.Hurry(silence);
        }
    }

    /// <summary>A connection is open from now on.</summary>
    internal void Enter(TransformServer server)
    {
        server.Newer = null;
        server.Older = _newest;
        if (_newest is not null)
        {
            _newest.Newer = server;
        }

        _newest = server;
    }

    /// <summary>It is open no more.</summary>
    internal void Leave(TransformServer server)
    {
        if (server.Newer is { } newer)
        {
            newer.Older = server.Older;
        }
        else
        {
            _newest = server.Older;
        }

        if (server.Older is { } older)
        {
            older.Newer = server.Newer;
        }

        server.Newer = null;
        server.Older = null;
    }

    /// <inheritdoc/>
    protected internal override bool PeerSpeaksFirst => true;

    private protected override TransformServer Make() =>
        asText ? new TextTransformServer(this) : new NetstringTransformServer(this);
}
