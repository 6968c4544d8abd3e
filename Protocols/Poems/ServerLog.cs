using System;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>What the servers have to say, apart from one record a connection.</summary>
/// <remarks>
/// Rare messages have one number, a long, and the rest as text: each other combination of types would be code of its own,
/// generated and in the executable.
/// </remarks>
internal static partial class ServerLog
{
    [LoggerMessage(EventId = 20, Level = LogLevel.Information, Message = "reloaded {Name}")]
    public static partial void Reloaded(ILogger log, string name);

    [LoggerMessage(EventId = 29, Level = LogLevel.Warning, Message = "the poem is empty: {Name}")]
    public static partial void Empty(ILogger log, string name);

    [LoggerMessage(EventId = 21, Level = LogLevel.Error, Message = "keeping the old poem: {Problem}")]
    public static partial void KeepsOld(ILogger log, string problem);

    [LoggerMessage(
        EventId = 25, Level = LogLevel.Information, Message = "keeping the poem from standard input, which cannot be read again")]
    public static partial void KeepsTyped(ILogger log);

    [LoggerMessage(
        EventId = 27,
        Level = LogLevel.Warning,
        Message = "inherited sockets that were closed, for nobody would accept there: {Closed}; those that are served: {Served}")]
    public static partial void SurplusClosed(ILogger log, long closed, string served);

    [LoggerMessage(
        EventId = 28,
        Level = LogLevel.Warning,
        Message = "workers: {Workers}, {Why}")]
    public static partial void FewerWorkers(ILogger log, long workers, string why);

    /// <summary>The server ends; what is in flight may finish.</summary>
    /// <param name="log">Where to say it.</param>
    /// <param name="connections">Those in flight.</param>
    /// <param name="patience"><see cref="TimeSpan.MaxValue"/> for no limit.</param>
    public static void Draining(ILogger log, int connections, TimeSpan patience) => Draining(
        log,
        connections,
        patience == TimeSpan.MaxValue
            ? "no time limit"
            : string.Create(CultureInfo.InvariantCulture, $"up to {patience.TotalSeconds} s"));

    [LoggerMessage(EventId = 23, Level = LogLevel.Information, Message = "serving metrics on {Address}")]
    public static partial void ServingMetrics(ILogger log, SocketAddress address);

    [LoggerMessage(
        EventId = 24,
        Level = LogLevel.Information,
        Message = "statistics: connections: {Open} open, {Accepted} accepted, {Whole} whole, {Left} left, {TimedOut} timed out; "
            + "bytes sent: {Bytes}; delayed calls: {DelayedCalls}; stale events: {Stale}")]
    public static partial void Statistics(
        ILogger log, long open, long accepted, long whole, long left, long timedOut, long bytes, long delayedCalls, long stale);

    [LoggerMessage(
        EventId = 22, Level = LogLevel.Information, Message = "ending: connections in flight: {Connections}, with {Patience} to finish")]
    private static partial void Draining(ILogger log, long connections, string patience);
}
