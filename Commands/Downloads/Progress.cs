using System;
using System.Collections.Generic;
using System.Globalization;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Shows on standard error what <c>get</c> does. Keeps what is known of each download; the derived classes show it. Tasks are numbered from
/// 1 in the order of the addresses. Called on the reactor thread.
/// </summary>
/// <param name="nowMs">A monotonic clock.</param>
internal abstract class Progress(Func<long> nowMs)
{
    private readonly List<Entry> _entries = [];

    /// <summary>What has happened to a download. In lower case, the events of <c>--progress json</c>.</summary>
    private protected enum Event : byte
    {
        Start,
        Bytes,
        Retry,
        Done,
        Failed,
        Cancelled,
        Warning,
        Note,
    }

    private protected IReadOnlyList<Entry> Entries => _entries;

    private protected long NowMs => nowMs();

    /// <summary>Chooses the way that fits the options and standard error.</summary>
    /// <param name="options">Of the command.</param>
    /// <param name="isInterrupted">True if a signal ends the command: nothing waits long for a reader then.</param>
    public static Progress Create(GetOptions options, Func<bool> isInterrupted)
    {
        var writer = new TerminalWriter(StandardStreams.Error, isInterrupted);
        Func<long> nowMs = static () => Environment.TickCount64;

        // A poem that is streamed to a terminal would run through the bars.
        bool mixes = options.Stream && options.Output is null && StandardStreams.IsTerminalAt(StandardStreams.Output);
        bool bars = !mixes && (options.Progress == ProgressStyle.Bars || (options.Progress == ProgressStyle.Auto && Terminal.CanRedraw));
        bool hasColours = options.Colour == ColourMode.Auto ? Terminal.HasColours : options.Colour == ColourMode.Always;
        return options.Progress == ProgressStyle.Json ? new ProgressJson(writer, nowMs)
            : bars && !options.Quiet ? new ProgressBars(writer, static () => Terminal.Size, hasColours, nowMs)
            : new ProgressLines(
                writer,
                showsBytes: options.Progress != ProgressStyle.None && !mixes && !options.Quiet,
                showsSummary: !options.Quiet,
                nowMs);
    }

    /// <summary>A download begins.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="address">The address as typed, with the default host.</param>
    public void Started(int task, string address)
    {
        while (_entries.Count < task)
        {
            _entries.Add(new Entry(_entries.Count + 1));
        }

        Entry entry = _entries[task - 1];
        entry.Address = address;
        entry.StartMs = nowMs();
        Show(Event.Start, entry, null);
    }

    public void Announced(int task, long bytes) => _entries[task - 1].TotalBytes = bytes;

    public void Received(int task, int bytes)
    {
        Entry entry = _entries[task - 1];
        entry.Bytes += bytes;
        entry.LastBytes = bytes;
        entry.Arrivals++;
        Show(Event.Bytes, entry, null);
    }

    /// <summary>The download begins anew.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">Why; shown with details only.</param>
    public void Restarted(int task, string reason)
    {
        Entry entry = _entries[task - 1];
        entry.Bytes = 0;
        entry.TotalBytes = null;
        Show(Event.Retry, entry, reason);
    }

    /// <summary>A poem is complete, and written.</summary>
    public void Finished(int task) => End(task, Event.Done, null);

    /// <summary>A download has failed; always shown.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">The end of a sentence, as <c>connection refused</c>.</param>
    public void Failed(int task, string reason) => End(task, Event.Failed, reason);

    /// <summary>A download was ended by something else than itself.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">By what; shown to programs only.</param>
    public void Cancelled(int task, string reason) => End(task, Event.Cancelled, reason);

    /// <summary>A poem is complete, but something else failed; always shown.</summary>
    public void Warned(int task, string warning) => Show(Event.Warning, _entries[task - 1], warning);

    /// <summary>A detail that was asked for.</summary>
    public void Note(int task, string text) => Show(Event.Note, _entries[task - 1], text);

    /// <summary>Time has passed: called a few times a second.</summary>
    public virtual void Tick()
    {
    }

    /// <summary>All downloads have ended.</summary>
    /// <param name="poems">The number of complete poems.</param>
    /// <param name="failed">The number of those that failed.</param>
    /// <param name="elapsed">Since the first began.</param>
    public abstract void Summary(int poems, int failed, TimeSpan elapsed);

    /// <summary>Something failed that belongs to no single download; always shown.</summary>
    public virtual void Error(string problem) => CommandRunner.Fail(problem);

    /// <summary>Clears the terminal for what is written past this object.</summary>
    public virtual void Suspend()
    {
    }

    /// <summary>Ends <see cref="Suspend"/>; the next call shows progress again.</summary>
    /// <param name="atLineStart">True if what was written ended with a newline.</param>
    public virtual void Resume(bool atLineStart)
    {
    }

    /// <param name="what">What has happened.</param>
    /// <param name="entry">To which download.</param>
    /// <param name="text">The reason, the warning or the detail; null where there is none.</param>
    private protected abstract void Show(Event what, Entry entry, string? text);

    /// <summary>The line for a failure, a warning or a detail.</summary>
    private protected static string Line(Entry entry, string text) =>
        TextEscaper.EscapeLine(string.Create(CultureInfo.InvariantCulture, $"Task {entry.Task}: {entry.Address}: {text}")) + "\n";

    /// <summary>The last line. It says "poems" of one poem too: scripts look for one form.</summary>
    private protected static string SummaryLine(int poems, TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"Got {poems} poems in {elapsed.TotalSeconds:F1} seconds.\n");

    private void End(int task, Event how, string? reason)
    {
        Entry entry = _entries[task - 1];
        entry.EndMs = nowMs();
        Show(how, entry, reason);
    }

    /// <summary>What is known of one download.</summary>
    private protected sealed class Entry(int task)
    {
        public int Task => task;

        /// <summary>Null until the download begins.</summary>
        public string? Address { get; set; }

        public long Bytes { get; set; }

        /// <summary>Null if unknown.</summary>
        public long? TotalBytes { get; set; }

        public int Arrivals { get; set; }

        /// <summary>Of the last arrival.</summary>
        public int LastBytes { get; set; }

        public long StartMs { get; set; }

        /// <summary>Null while the download runs.</summary>
        public long? EndMs { get; set; }
    }
}
