using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>What the servers have to say, apart from one record a connection.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(EventId = 20, Level = LogLevel.Information, Message = "reloaded {Name}")]
    public static partial void Reloaded(ILogger log, string name);

    [LoggerMessage(EventId = 21, Level = LogLevel.Error, Message = "keeping the old poem: {Problem}")]
    public static partial void KeepsOld(ILogger log, string problem);

    [LoggerMessage(EventId = 22, Level = LogLevel.Information, Message = "ending: {Connections} connections have up to {Seconds} s to finish")]
    public static partial void Draining(ILogger log, int connections, double seconds);

    [LoggerMessage(EventId = 23, Level = LogLevel.Information, Message = "serving metrics on {Address}")]
    public static partial void ServingMetrics(ILogger log, SocketAddress address);

    [LoggerMessage(
        EventId = 24,
        Level = LogLevel.Information,
        Message = "statistics: {Open} connections open, {Accepted} accepted, {Whole} whole, {Left} left, {TimedOut} timed out, "
            + "{Bytes} bytes sent, {DelayedCalls} delayed calls, {Stale} stale events")]
    public static partial void Statistics(
        ILogger log, long open, long accepted, long whole, long left, long timedOut, long bytes, long delayedCalls, long stale);
}
