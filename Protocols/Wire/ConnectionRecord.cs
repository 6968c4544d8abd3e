using System;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>How a connection ended.</summary>
internal enum ConnectionOutcome : byte
{
    /// <summary>All was sent, and the peer was told so by a normal end.</summary>
    Whole,

    /// <summary>The peer went before it had all.</summary>
    Left,

    /// <summary>The peer took or sent nothing for too long.</summary>
    Timeout,

    /// <summary>The request could not be understood or was not allowed.</summary>
    Refused,

    /// <summary>What the peer wanted could not be had: an upstream, a transformation.</summary>
    Failed,

    /// <summary>We stopped before it was done.</summary>
    Stopped,
}

/// <summary>
/// What the log says of one connection. A value, so that the record that a busy server writes most costs no memory: a
/// logger that knows this type formats it as it is, any other gets a string.
/// </summary>
internal readonly struct ConnectionRecord
{
    /// <summary>Turns a record into text, for loggers that do not know it.</summary>
    private static readonly Func<ConnectionRecord, Exception?, string> Formatter =
        static (record, _) => record.ToString();

    /// <summary>What was done, in one word: served, transformed, proxied.</summary>
    public required string Verb { get; init; }

    /// <summary>Whom it was done for.</summary>
    public required SocketAddress Peer { get; init; }

    /// <summary>What it was done with: a file, a transformation, an upstream. It is escaped where it is written.</summary>
    public required string What { get; init; }

    /// <summary>Bytes that the kernel took from us.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Bytes there would have been in all; −1 if nobody knew.</summary>
    public required long BytesWhole { get; init; }

    /// <summary>From accept to the end: see <see cref="DurationOf"/>.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How it ended.</summary>
    public required ConnectionOutcome Outcome { get; init; }

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

    /// <summary>What the reason that a transport gives for its end means for what was sent.</summary>
    public static ConnectionOutcome OutcomeOf(Failure reason) =>
        reason.Check<ConnectionDone>() ? ConnectionOutcome.Whole
        : reason.Check<ConnectionTimedOut>() ? ConnectionOutcome.Timeout
        : reason.Check<ConnectionAborted>() ? ConnectionOutcome.Stopped
        : ConnectionOutcome.Left;

    /// <summary>How long it took: until the end was sent, or until the connection was lost without.</summary>
    /// <param name="transport">Of the connection that is over.</param>
    /// <param name="start">When it was made, on the reactor's clock.</param>
    /// <param name="now">The present moment on it.</param>
    public static TimeSpan DurationOf(ITransport transport, TimeSpan start, TimeSpan now) =>
        (transport.EndSentAt < now ? transport.EndSentAt : now) - start;

    /// <summary>Writes the record at level info.</summary>
    public void Log(ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        if (logger.IsEnabled(LogLevel.Information))
        {
            logger.Log(LogLevel.Information, default, this, null, Formatter);
        }
    }

    /// <summary>As a sentence: <c>served 600 of 600 bytes of ecstasy.txt to 127.0.0.1:54321 in 2 ms: whole</c>.</summary>
    public override string ToString()
    {
        string whole = BytesWhole < 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" of {BytesWhole}");
        long ms = (long)Duration.TotalMilliseconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Verb} {BytesSent}{whole} bytes of {What} to {Peer} in {ms} ms: {Word(Outcome)}");
    }
}
