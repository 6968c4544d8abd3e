using System.Globalization;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Shows the progress of <c>get</c> on standard error. Keeps the state of each download; the derived classes show it. Tasks are
/// numbered from 1 in the order of the addresses. Called on the reactor thread.
/// </summary>
/// <param name="nowMs">A monotonic clock.</param>
internal abstract class Progress(Func<long> nowMs)
{
    private readonly List<Entry> _entries = [];

    /// <summary>An event of a download. The names in lower case are the events of <c>--progress json</c>.</summary>
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

    /// <summary>Creates the display that fits the options and standard error.</summary>
    /// <param name="options">The options of the command.</param>
    /// <param name="isInterrupted">Returns true if a signal ends the command: no message waits long for a reader then.</param>
    public static Progress Create(GetOptions options, Func<bool> isInterrupted)
    {
        var writer = new TerminalWriter(StandardStreams.Error, isInterrupted);
        Func<long> nowMs = static () => Environment.TickCount64;

        // A poem that is streamed to a terminal would mix with the bars.
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

    /// <summary>Shows that a download begins.</summary>
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

    /// <summary>Shows that a download begins again.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">The reason; shown with details only.</param>
    public void Restarted(int task, string reason)
    {
        Entry entry = _entries[task - 1];
        entry.Bytes = 0;
        entry.TotalBytes = null;
        Show(Event.Retry, entry, reason);
    }

    /// <summary>Shows that a poem is complete and written.</summary>
    public void Finished(int task) => End(task, Event.Done, null);

    /// <summary>Reports a failed download; always shown.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">The end of a sentence, such as <c>connection refused</c>.</param>
    public void Failed(int task, string reason) => End(task, Event.Failed, reason);

    /// <summary>Shows that something else has ended a download.</summary>
    /// <param name="task">Its number.</param>
    /// <param name="reason">The cause; shown to programs only.</param>
    public void Cancelled(int task, string reason) => End(task, Event.Cancelled, reason);

    /// <summary>Reports a problem that does not make the download fail; always shown.</summary>
    public void Warned(int task, string warning) => Show(Event.Warning, _entries[task - 1], warning);

    /// <summary>Shows a detail, if the user asked for details.</summary>
    public void Note(int task, string text) => Show(Event.Note, _entries[task - 1], text);

    /// <summary>Updates the times; called a few times per second.</summary>
    public virtual void Tick()
    {
    }

    /// <summary>Shows the summary, after all downloads have ended.</summary>
    /// <param name="poems">The number of complete poems.</param>
    /// <param name="failed">The number of failed downloads.</param>
    /// <param name="elapsed">The time since the command started the downloads.</param>
    public abstract void Summary(int poems, int failed, TimeSpan elapsed);

    /// <summary>Reports a failure that belongs to no single download; always shown.</summary>
    public virtual void Error(string problem) => CommandRunner.Fail(problem);

    /// <summary>Clears the terminal for text that this object does not write.</summary>
    public virtual void Suspend()
    {
    }

    /// <summary>Ends <see cref="Suspend"/>; the next call shows progress again.</summary>
    /// <param name="atLineStart">True if that text ended with a newline.</param>
    public virtual void Resume(bool atLineStart)
    {
    }

    /// <param name="what">The event.</param>
    /// <param name="entry">The download.</param>
    /// <param name="text">The reason, the warning or the detail; null where there is none.</param>
    private protected abstract void Show(Event what, Entry entry, string? text);

    /// <summary>The line for a failure, a warning or a detail.</summary>
    private protected static string Line(Entry entry, string text) =>
        TextEscaper.EscapeLine(string.Create(CultureInfo.InvariantCulture, $"Task {entry.Task}: {entry.Address}: {text}")) + "\n";

    /// <summary>The last line. It says "poems" even for one poem: scripts search for one form.</summary>
    private protected static string SummaryLine(int poems, TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"Got {poems} poems in {elapsed.TotalSeconds:F1} seconds.\n");

    private void End(int task, Event how, string? reason)
    {
        Entry entry = _entries[task - 1];
        entry.EndMs = nowMs();
        Show(how, entry, reason);
    }

    /// <summary>The state of one download.</summary>
    private protected sealed class Entry(int task)
    {
        public int Task => task;

        /// <summary>Null until the download begins.</summary>
        public string? Address { get; set; }

        public long Bytes { get; set; }

        /// <summary>Null if unknown.</summary>
        public long? TotalBytes { get; set; }

        public int Arrivals { get; set; }

        /// <summary>The number of bytes of the last arrival.</summary>
        public int LastBytes { get; set; }

        public long StartMs { get; set; }

        /// <summary>Null while the download runs.</summary>
        public long? EndMs { get; set; }
    }
}
