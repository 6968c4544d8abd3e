using System;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>The log messages of the engine. docs/log-events.md lists all events of the program.</summary>
internal static partial class ReactorLog
{
    [LoggerMessage(EventId = 1, EventName = "callback_failed", Level = LogLevel.Error, Message = "callback failed")]
    public static partial void CallbackFailed(ILogger log, Exception exception);

    [LoggerMessage(
        EventId = 2,
        EventName = "accept_paused",
        Level = LogLevel.Warning,
        Message = "accepting paused: address {Address}, {PauseMs} ms, {Reason}, {Reset} connections reset")]
    public static partial void AcceptPaused(ILogger log, SocketAddress address, int pauseMs, string reason, int reset);

    [LoggerMessage(
        EventId = 3,
        EventName = "accept_failed",
        Level = LogLevel.Critical,
        Message = "accepting failed for good: address {Address}, {Reason}")]
    public static partial void AcceptFailed(ILogger log, SocketAddress address, string reason);

    [LoggerMessage(EventId = 4, EventName = "unhandled_error", Level = LogLevel.Error, Message = "{Description}")]
    public static partial void UnhandledError(ILogger log, string description, Exception exception);

    [LoggerMessage(
        EventId = 5,
        EventName = "loop_blocked",
        Level = LogLevel.Warning,
        Message = "event loop blocked by callbacks: {Seconds:F1} s ({Suppressed} similar warnings suppressed)")]
    public static partial void LoopBlocked(ILogger log, double seconds, long suppressed);

    [LoggerMessage(
        EventId = 6,
        EventName = "connections_dropped",
        Level = LogLevel.Warning,
        Message = "connections dropped: {Count}, the poller cannot watch them: {Reason}")]
    public static partial void ConnectionsDropped(ILogger log, long count, string reason);
}
