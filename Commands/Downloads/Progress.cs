using System;
using System.Globalization;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// How <c>get</c> tells what it does, on standard error. Tasks are numbered from 1 in the order of the addresses. Called
/// on the reactor thread.
/// </summary>
internal abstract class Progress
{
    /// <summary>Chooses the way that fits the options and what standard error is.</summary>
    public static Progress Create(ProgressStyle style, bool quiet)
    {
        var terminal = new Terminal(StandardStreams.Error);
        bool bars = style == ProgressStyle.Bars || (style == ProgressStyle.Auto && terminal.CanRedraw);
        return bars && !quiet
            ? new ProgressBars(
                new TerminalWriter(StandardStreams.Error),
                () => terminal.Size,
                terminal.HasColours,
                static () => Environment.TickCount64)
            : new ProgressLines(
                new TerminalWriter(StandardStreams.Error),
                showsBytes: style != ProgressStyle.None && !quiet,
                showsSummary: !quiet);
    }

    /// <summary>A download begins.</summary>
    public abstract void Started(int task, Endpoint from);

    /// <summary>It is now known how large the poem is.</summary>
    public abstract void Sized(int task, long bytes);

    /// <summary>Bytes of a poem have come.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="bytes">How many since the last time.</param>
    public abstract void Received(int task, int bytes);

    /// <summary>The download is begun again from nothing.</summary>
    public abstract void Restarted(int task);

    /// <summary>A poem is whole.</summary>
    public abstract void Finished(int task);

    /// <summary>A download has failed; always shown.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">The end of a sentence, as <c>connection refused</c>.</param>
    public abstract void Failed(int task, string reason);

    /// <summary>Something else went wrong with a poem that came; always shown.</summary>
    public abstract void Warned(int task, string warning);

    /// <summary>All downloads are over.</summary>
    /// <param name="poems">Those that came whole.</param>
    /// <param name="elapsed">Since the first began.</param>
    public abstract void Summary(int poems, TimeSpan elapsed);

    /// <summary>Makes room on the terminal for what is written past this object, and leaves it as it was found.</summary>
    public virtual void Suspend()
    {
    }

    /// <summary>Goes on after <see cref="Suspend"/>.</summary>
    /// <param name="atLineStart">Did what was written end with a newline?</param>
    public virtual void Resume(bool atLineStart)
    {
    }

    /// <summary>The line for a failure.</summary>
    private protected static string FailureLine(int task, Endpoint from, string reason) =>
        TextEscaper.EscapeLine(string.Create(CultureInfo.InvariantCulture, $"Task {task}: {from}: {reason}")) + "\n";

    /// <summary>The last line. It says poems of one too: scripts look for one form.</summary>
    private protected static string SummaryLine(int poems, TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"Got {poems} poems in {elapsed.TotalSeconds:F1} seconds.\n");
}

/// <summary>Progress as lines: for pipes, files and plain terminals, and for who wants few of them or none.</summary>
/// <param name="writer">Where they go.</param>
/// <param name="showsBytes">A line for every arrival of bytes?</param>
/// <param name="showsSummary">A line at the end?</param>
internal sealed class ProgressLines(TerminalWriter writer, bool showsBytes, bool showsSummary) : Progress
{
    private Endpoint[] _from = [];

    /// <inheritdoc/>
    public override void Started(int task, Endpoint from)
    {
        if (task > _from.Length)
        {
            Array.Resize(ref _from, Math.Max(task, _from.Length * 2));
        }

        _from[task - 1] = from;
    }

    /// <inheritdoc/>
    public override void Sized(int task, long bytes)
    {
    }

    /// <inheritdoc/>
    public override void Received(int task, int bytes)
    {
        if (showsBytes)
        {
            string line = string.Create(CultureInfo.InvariantCulture, $"Task {task}: got {bytes} bytes of poetry from {_from[task - 1]}");
            writer.Offer(TextEscaper.EscapeLine(line) + "\n");
        }
    }

    /// <inheritdoc/>
    public override void Restarted(int task)
    {
    }

    /// <inheritdoc/>
    public override void Finished(int task)
    {
    }

    /// <inheritdoc/>
    public override void Failed(int task, string reason) => writer.Write(FailureLine(task, _from[task - 1], reason));

    /// <inheritdoc/>
    public override void Warned(int task, string warning) => writer.Write(FailureLine(task, _from[task - 1], warning));

    /// <inheritdoc/>
    public override void Summary(int poems, TimeSpan elapsed)
    {
        if (showsSummary)
        {
            writer.Write(SummaryLine(poems, elapsed));
        }
    }
}
