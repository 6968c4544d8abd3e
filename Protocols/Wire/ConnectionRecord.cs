using System.Globalization;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The outcome of a connection.</summary>
internal enum ConnectionOutcome : byte
{
    /// <summary>All data and FIN were sent.</summary>
    Whole,

    /// <summary>The peer closed before everything was sent.</summary>
    Left,

    /// <summary>The peer received or sent nothing for too long.</summary>
    Timeout,

    /// <summary>The request was malformed or not allowed.</summary>
    Refused,

    /// <summary>An upstream, a transformation or the server itself failed.</summary>
    Failed,

    /// <summary>The server stopped before the end.</summary>
    Stopped,
}

/// <summary>
/// The log record of one connection, made by <see cref="ConnectionStart.End"/>. It is a value, so the most frequent record of a server
/// allocates nothing: the program's log formats the value directly; any other logger gets a string.
/// </summary>
internal readonly struct ConnectionRecord
{
    private static readonly EventId Closed = new(10, "connection_closed");

    /// <summary>The maximum duration of a probe, as in a proxy, which starts no fetch for one. A client that leaves without data after
    /// a longer time is logged normally.</summary>
    private static readonly TimeSpan MaxProbe = TimeSpan.FromMilliseconds(50);

    private static readonly Func<ConnectionRecord, Exception?, string> Formatter =
        static (record, _) => record.ToString();

    public required long Number { get; init; }

    /// <summary>The server's action in one word: served, transformed, proxied.</summary>
    public required string Action { get; init; }

    public required SocketAddress Peer { get; init; }

    /// <summary>The source of the data: a file, a transformation, an upstream. The log escapes it.</summary>
    public required string Resource { get; init; }

    /// <summary>Bytes that the kernel accepted for sending.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Bytes of a complete reply; −1 if unknown.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>The time from accept until FIN was sent, or until the connection ended without FIN.</summary>
    public required TimeSpan Duration { get; init; }

    public required ConnectionOutcome Outcome { get; init; }

    /// <summary>Details of the outcome, such as a reason; null for none.</summary>
    public string? Detail { get; init; }

    /// <summary>The outcome in one word, for text and for JSON.</summary>
    public static string Word(ConnectionOutcome outcome) => outcome switch
    {
        ConnectionOutcome.Whole => "whole",
        ConnectionOutcome.Left => "left",
        ConnectionOutcome.Timeout => "timeout",
        ConnectionOutcome.Refused => "refused",
        ConnectionOutcome.Failed => "failed",
        _ => "stopped",
    };

    /// <summary>Maps the reason that a transport gives for its end.</summary>
    public static ConnectionOutcome OutcomeOf(Failure reason) =>
        reason.Check<ConnectionDone>() ? ConnectionOutcome.Whole
        : reason.Check<ConnectionTimedOut>() ? ConnectionOutcome.Timeout
        : reason.Check<ConnectionAborted>() ? ConnectionOutcome.Stopped
        : reason.Check<ConnectionClosed>() ? ConnectionOutcome.Left
        : ConnectionOutcome.Failed;

    /// <summary>
    /// True if the peer left at once, before a byte had reached it: a load balancer that checks whether the port is open.
    /// </summary>
    public bool IsProbe => Outcome == ConnectionOutcome.Left && BytesSent == 0 && Duration < MaxProbe;

    /// <summary>
    /// Writes the record; a probe's record at level debug. The level is not checked here, since
    /// <see cref="ConnectionCounters"/> counts every record.
    /// </summary>
    public void Log(ILogger logger, LogLevel level = LogLevel.Information) =>
        logger.Log(IsProbe ? LogLevel.Debug : level, Closed, this, null, Formatter);

    /// <summary>The record as a sentence: <c>#17 served 600 of 600 bytes of ecstasy.txt to 127.0.0.1:54321 in 2 ms: whole</c>.</summary>
    public override string ToString()
    {
        string total = TotalBytes < 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" of {TotalBytes}");
        string detail = Detail is null ? string.Empty : $" ({Detail})";
        long ms = (long)Duration.TotalMilliseconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"#{Number} {Action} {BytesSent}{total} bytes of {Resource} to {Peer} in {ms} ms: {Word(Outcome)}{detail}");
    }
}
