using System;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>The log messages of the engine.</summary>
internal static partial class ReactorLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "a callback has thrown")]
    public static partial void CallbackThrew(ILogger log, Exception exception);

    [LoggerMessage(
        EventId = 2,
        Level = LogLevel.Warning,
        Message = "accept on {Address} paused for {PauseMs} ms: {Reason}; {Rejected} clients reset")]
    public static partial void AcceptPauses(ILogger log, SocketAddress address, int pauseMs, string reason, int rejected);

    [LoggerMessage(EventId = 3, Level = LogLevel.Critical, Message = "accept on {Address} failed permanently: {Reason}")]
    public static partial void AcceptFailed(ILogger log, SocketAddress address, string reason);

    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "{What}")]
    public static partial void UnhandledError(ILogger log, string what, Exception exception);

    [LoggerMessage(
        EventId = 5,
        Level = LogLevel.Warning,
        Message = "event loop blocked for {Seconds:F1} s by callbacks ({Suppressed} similar warnings suppressed)")]
    public static partial void SlowCallback(ILogger log, double seconds, long suppressed);

    [LoggerMessage(
        EventId = 6,
        Level = LogLevel.Warning,
        Message = "dropped {Count} connections: the poller refused them: {Reason}")]
    public static partial void WatchRefused(ILogger log, long count, string reason);
}
