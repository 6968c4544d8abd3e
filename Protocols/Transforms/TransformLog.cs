using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>The log messages of the transform server. docs/log-events.md lists all events of the program.</summary>
internal static partial class TransformLog
{
    [LoggerMessage(
        EventId = 40, EventName = "request_refused", Level = LogLevel.Information, Message = "#{Connection} refused {Peer}: {Problem}")]
    public static partial void RequestRefused(ILogger log, object connection, object peer, string problem);

    [LoggerMessage(
        EventId = 41,
        EventName = "request_timeout",
        Level = LogLevel.Information,
        Message = "#{Connection} reset {Peer}: no complete request in {Seconds} s")]
    public static partial void RequestTimeout(ILogger log, object connection, object peer, object seconds);

    [LoggerMessage(EventId = 42, EventName = "transform_failed", Level = LogLevel.Warning, Message = "transformation failed: {Problem}")]
    public static partial void Failed(ILogger log, string problem);

    [LoggerMessage(
        EventId = 43,
        EventName = "transform_threw",
        Level = LogLevel.Warning,
        Message = "#{Connection} transformation {Name} threw for {Peer}: {Problem}")]
    public static partial void Threw(ILogger log, Exception exception, object connection, string name, object peer, string problem);

    [LoggerMessage(
        EventId = 44,
        EventName = "transform_failed_again",
        Level = LogLevel.Warning,
        Message = "transformation failed {Count} more times, last: {Problem}")]
    public static partial void FailedAgain(ILogger log, object count, string problem);
}
