using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>The log messages of the engine. docs/log-events.md lists all events of the program.</summary>
/// <remarks>
/// Parameters of messages are objects or strings: each other combination of types would add 5 to 9 KB of generated code to the
/// executable. A message that may come for each connection checks its level first: a record that is not written boxes no value.
/// </remarks>
internal static partial class ReactorLog
{
    [LoggerMessage(EventId = 1, EventName = "callback_failed", Level = LogLevel.Error, Message = "callback failed")]
    public static partial void CallbackThrew(ILogger log, Exception exception);

    [LoggerMessage(
        EventId = 2,
        EventName = "accept_paused",
        Level = LogLevel.Warning,
        Message = "accept on {Address} paused for {PauseMs} ms: {Reason}; {Rejected} clients reset")]
    public static partial void AcceptPauses(ILogger log, object address, object pauseMs, string reason, object rejected);

    [LoggerMessage(
        EventId = 3,
        EventName = "accept_failed",
        Level = LogLevel.Critical,
        Message = "accept on {Address} failed permanently: {Reason}")]
    public static partial void AcceptFailed(ILogger log, object address, string reason);

    [LoggerMessage(EventId = 4, EventName = "unhandled_error", Level = LogLevel.Error, Message = "{Description}")]
    public static partial void UnhandledError(ILogger log, string description, Exception? exception);

    [LoggerMessage(
        EventId = 5,
        EventName = "loop_blocked",
        Level = LogLevel.Warning,
        Message = "event loop blocked for {Seconds:F1} s by {Callback} ({Suppressed} similar warnings suppressed)")]
    public static partial void LoopBlocked(ILogger log, object seconds, string callback, object suppressed);

    [LoggerMessage(
        EventId = 6,
        EventName = "connections_dropped",
        Level = LogLevel.Warning,
        Message = "dropped {Count} connections: the poller refused them: {Reason}")]
    public static partial void WatchRefused(ILogger log, object count, string reason);

    [LoggerMessage(
        EventId = 7,
        EventName = "loop_slow",
        Level = LogLevel.Information,
        Message = "event loop slow for {Seconds:F1} s by {Callback} ({Suppressed} similar messages suppressed)")]
    public static partial void LoopSlow(ILogger log, object seconds, string callback, object suppressed);

    [LoggerMessage(
        EventId = 8,
        EventName = "address_limit_reached",
        Level = LogLevel.Information,
        Message = "reset {Peer}: too many connections of its address ({Suppressed} similar messages suppressed)")]
    public static partial void AddressLimitReached(ILogger log, object peer, object suppressed);

    [LoggerMessage(
        EventId = 9,
        EventName = "proxy_header_rejected",
        Level = LogLevel.Warning,
        Message = "reset {Peer}: {Problem} ({Suppressed} similar warnings suppressed)")]
    public static partial void ProxyHeaderRejected(ILogger log, object peer, string problem, object suppressed);

    /// <summary>Logged for each probe of a load balancer.</summary>
    public static void ProxyHeaderMissing(ILogger log, SocketAddress peer)
    {
        if (log.IsEnabled(LogLevel.Debug))
        {
            HeaderMissing(log, peer);
        }
    }

    [LoggerMessage(
        EventId = 11,
        EventName = "proxy_header_missing",
        Level = LogLevel.Debug,
        Message = "{Peer} closed without a PROXY header")]
    private static partial void HeaderMissing(ILogger log, object peer);
}
