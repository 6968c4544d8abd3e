using System;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>What the engine has to say.</summary>
internal static partial class ReactorLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "a callback has thrown")]
    public static partial void CallbackThrew(ILogger log, Exception exception);

    [LoggerMessage(
        EventId = 2,
        Level = LogLevel.Warning,
        Message = "accepting on {Address} pauses for {PauseMs} ms: {Reason}; {Turned} turned away")]
    public static partial void AcceptPauses(ILogger log, SocketAddress address, int pauseMs, string reason, int turned);

    [LoggerMessage(EventId = 3, Level = LogLevel.Critical, Message = "accepting on {Address} has failed for good: {Reason}")]
    public static partial void AcceptFailed(ILogger log, SocketAddress address, string reason);

    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "{What}")]
    public static partial void UnhandledError(ILogger log, string what, Exception exception);

    [LoggerMessage(
        EventId = 5,
        Level = LogLevel.Warning,
        Message = "callback took {Seconds:F1} s, alone or with others of its turn, and held up all else; {Unsaid} more were not told of")]
    public static partial void SlowCallback(ILogger log, double seconds, long unsaid);

    [LoggerMessage(
        EventId = 6,
        Level = LogLevel.Warning,
        Message = "connections given up, for they can't be watched: {Count}, at last: {Reason}")]
    public static partial void CannotWatch(ILogger log, long count, string reason);
}
