using System.Globalization;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The log messages of all servers. docs/log-events.md lists all events of the program.</summary>
/// <inheritdoc cref="ReactorLog" path="/remarks"/>
internal static partial class ServerLog
{
    [LoggerMessage(EventId = 20, EventName = "poem_reloaded", Level = LogLevel.Information, Message = "reloaded {Name}")]
    public static partial void Reloaded(ILogger log, string name);

    [LoggerMessage(EventId = 21, EventName = "poem_kept_old", Level = LogLevel.Error, Message = "keeping the old poem: {Problem}")]
    public static partial void KeptOld(ILogger log, string problem);

    [LoggerMessage(EventId = 23, EventName = "metrics_started", Level = LogLevel.Information, Message = "serving metrics on {Address}")]
    public static partial void MetricsStarted(ILogger log, object address);

    [LoggerMessage(
        EventId = 24,
        EventName = "statistics",
        Level = LogLevel.Information,
        Message = "statistics: connections: {Open} open, {Accepted} accepted, {Whole} whole, {Left} left, {TimedOut} timed out; "
            + "bytes sent: {Bytes}; delayed calls: {DelayedCalls}; stale events: {Stale}")]
    public static partial void Statistics(
        ILogger log, long open, long accepted, long whole, long left, long timedOut, long bytes, long delayedCalls, long stale);

    [LoggerMessage(
        EventId = 25,
        EventName = "poem_kept_stdin",
        Level = LogLevel.Information,
        Message = "keeping the poem from standard input, which cannot be read again")]
    public static partial void KeptStandardInput(ILogger log);

    [LoggerMessage(
        EventId = 27,
        EventName = "inherited_sockets_closed",
        Level = LogLevel.Warning,
        Message = "inherited sockets closed: {Closed} without a listener ({Used} in use)")]
    public static partial void InheritedSocketsClosed(ILogger log, object closed, string used);

    [LoggerMessage(EventId = 28, EventName = "workers_limited", Level = LogLevel.Warning, Message = "workers limited to {Workers}: {Reason}")]
    public static partial void WorkersLimited(ILogger log, object workers, string reason);

    [LoggerMessage(EventId = 70, EventName = "listener_opened", Level = LogLevel.Information, Message = "listener opened: {Listener}")]
    public static partial void ListenerOpened(ILogger log, string listener);

    [LoggerMessage(EventId = 71, EventName = "listener_closed", Level = LogLevel.Information, Message = "listener closed: {Listener}")]
    public static partial void ListenerClosed(ILogger log, string listener);

    [LoggerMessage(EventId = 72, EventName = "listeners_kept", Level = LogLevel.Error, Message = "keeping the old listeners: {Problem}")]
    public static partial void ListenersKept(ILogger log, string problem);

    [LoggerMessage(EventId = 73, EventName = "listener_changed", Level = LogLevel.Information, Message = "listener changed: {Listener}")]
    public static partial void ListenerChanged(ILogger log, string listener);

    [LoggerMessage(EventId = 29, EventName = "poem_empty", Level = LogLevel.Warning, Message = "the poem is empty: {Name}")]
    public static partial void Empty(ILogger log, string name);

    /// <summary>The server stops; connections in flight may finish.</summary>
    public static void DrainStarted(ILogger log, int connections, TimeSpan limit) => DrainStarted(
        log,
        connections,
        limit == TimeSpan.MaxValue ? "none" : string.Create(CultureInfo.InvariantCulture, $"{limit.TotalSeconds} s"));

    [LoggerMessage(
        EventId = 22,
        EventName = "drain_started",
        Level = LogLevel.Information,
        Message = "draining: connections in flight: {Connections}, time limit: {Limit}")]
    private static partial void DrainStarted(ILogger log, object connections, string limit);
}
