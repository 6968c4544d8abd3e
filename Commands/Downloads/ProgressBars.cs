using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Progress as a bar a download, redrawn in place. Between two drawings the cursor stands at the start of the line below
/// the bars, so that the terminal is in order whenever the program ends.
/// </summary>
internal sealed class ProgressBars : Progress
{
    /// <summary>Twenty pictures a second look alive, and are few enough for a slow line.</summary>
    private const int MinIntervalMs = 50;

    /// <summary>A bar narrower than this shows nothing.</summary>
    private const int MinBarWidth = 8;

    private const int MaxNameWidth = 32;
    private const string Green = "\x1b[32m";
    private const string Plain = "\x1b[0m";

    private readonly TerminalWriter _writer;
    private readonly Func<(int Columns, int Rows)> _size;
    private readonly bool _hasColours;
    private readonly Func<long> _nowMs;
    private readonly List<Download> _downloads = [];
    private int _drawnLines;
    private long _nextDraw;
    private bool _isSuspended;

    /// <summary>Bars on a terminal.</summary>
    /// <param name="writer">Where they go.</param>
    /// <param name="size">Asks the terminal for its size.</param>
    /// <param name="hasColours">Whether to colour what is whole.</param>
    /// <param name="nowMs">A monotonic clock.</param>
    public ProgressBars(TerminalWriter writer, Func<(int Columns, int Rows)> size, bool hasColours, Func<long> nowMs)
    {
        _writer = writer;
        _size = size;
        _hasColours = hasColours;
        _nowMs = nowMs;
    }

    private enum State : byte
    {
        Running,
        Whole,
        Failed,
    }

    /// <inheritdoc/>
    public override void Started(int task, Endpoint from)
    {
        while (_downloads.Count < task)
        {
            _downloads.Add(new Download());
        }

        _downloads[task - 1].From = from;
        DrawIfDue();
    }

    /// <inheritdoc/>
    public override void Sized(int task, long bytes) => _downloads[task - 1].Size = bytes;

    /// <inheritdoc/>
    public override void Received(int task, int bytes)
    {
        Download download = _downloads[task - 1];
        download.Bytes += bytes;
        download.Arrivals++;
        DrawIfDue();
    }

    /// <inheritdoc/>
    public override void Restarted(int task)
    {
        _downloads[task - 1].Bytes = 0;
        DrawIfDue();
    }

    /// <inheritdoc/>
    public override void Finished(int task)
    {
        _downloads[task - 1].State = State.Whole;
        DrawIfDue();
    }

    /// <inheritdoc/>
    public override void Failed(int task, string reason)
    {
        Download download = _downloads[task - 1];
        download.State = State.Failed;
        Say(FailureLine(task, download.From!, reason));
    }

    /// <inheritdoc/>
    public override void Warned(int task, string warning) => Say(FailureLine(task, _downloads[task - 1].From!, warning));

    /// <inheritdoc/>
    public override void Summary(int poems, TimeSpan elapsed)
    {
        // The last picture must be the true one, so it is not left out.
        _writer.Write(Picture() + SummaryLine(poems, elapsed));
        _drawnLines = 0;
    }

    /// <inheritdoc/>
    public override void Suspend()
    {
        _writer.Write(Erasure());
        _drawnLines = 0;
        _isSuspended = true;
    }

    /// <inheritdoc/>
    public override void Resume(bool atLineStart)
    {
        if (!atLineStart)
        {
            _writer.Write("\n");
        }

        _isSuspended = false;
        _nextDraw = 0;
        DrawIfDue();
    }

    /// <summary>Puts a line that stays above the bars.</summary>
    private void Say(string line)
    {
        string erasure = Erasure();
        _drawnLines = 0;
        _writer.Write(erasure + line + (_isSuspended ? string.Empty : Picture()));
    }

    private void DrawIfDue()
    {
        long now = _nowMs();
        if (_isSuspended || now < _nextDraw)
        {
            return;
        }

        _nextDraw = now + MinIntervalMs;
        int before = _drawnLines;
        if (!_writer.Offer(Picture()))
        {
            _drawnLines = before;
        }
    }

    /// <summary>To the first of the drawn lines, and all below it gone.</summary>
    private string Erasure() => _drawnLines == 0 ? string.Empty
        : string.Create(CultureInfo.InvariantCulture, $"\x1b[{_drawnLines}A\r\x1b[J");

    /// <summary>The bars, in place of those before; a line is erased from its end on, so that nothing flickers.</summary>
    private string Picture()
    {
        (int columns, int rows) = _size();
        var picture = new StringBuilder();
        if (_drawnLines > 0)
        {
            _ = picture.Append(CultureInfo.InvariantCulture, $"\x1b[{_drawnLines}A\r");
        }

        // A picture higher than the screen could not be gone over again: what runs comes first, the rest is counted.
        int most = Math.Max(1, rows - 2);
        int shown = 0, hidden = 0;
        bool showsWhole = _downloads.Count <= most;
        for (int i = 0; i < _downloads.Count; i++)
        {
            Download download = _downloads[i];
            if (download.From is null || download.State == State.Failed)
            {
                continue;
            }

            if ((!showsWhole && download.State == State.Whole) || shown == most)
            {
                hidden++;
                continue;
            }

            AppendLine(picture, i + 1, download, columns);
            shown++;
        }

        if (hidden > 0)
        {
            _ = picture.Append(CultureInfo.InvariantCulture, $"and {hidden} more\x1b[K\n");
            shown++;
        }

        _ = picture.Append("\x1b[J");
        _drawnLines = shown;
        return picture.ToString();
    }

    private void AppendLine(StringBuilder picture, int task, Download download, int columns)
    {
        string name = TextEscaper.EscapeLine(string.Create(CultureInfo.InvariantCulture, $"Task {task}: {download.From}"));
        int nameWidth = Math.Min(MaxNameWidth, Math.Max(1, columns / 2));
        name = name.Length > nameWidth ? name[..(nameWidth - 1)] + "~" : name.PadRight(nameWidth);
        string amount = Amount(download.Bytes).PadLeft(10);

        // The last column stays free: a terminal may break the line there.
        int width = columns - 1 - name.Length - amount.Length - 4;
        if (width < MinBarWidth)
        {
            string line = $"{name} {amount}";
            _ = picture.Append(line, 0, Math.Min(line.Length, Math.Max(0, columns - 1))).Append("\x1b[K\n");
            return;
        }

        bool isWhole = download.State == State.Whole;
        _ = picture.Append(name).Append(" [").Append(isWhole && _hasColours ? Green : string.Empty);
        AppendBar(picture, download, width);
        _ = picture.Append(isWhole && _hasColours ? Plain : string.Empty).Append("] ").Append(amount).Append("\x1b[K\n");
    }

    /// <summary>A part of a known whole; or, of a poem that ends when it ends, a mark that moves while bytes come.</summary>
    private static void AppendBar(StringBuilder picture, Download download, int width)
    {
        if (download.State == State.Whole)
        {
            _ = picture.Append('=', width);
        }
        else if (download.Size > 0)
        {
            int filled = (int)Math.Clamp((double)download.Bytes / download.Size * width, 0, width - 1);
            _ = picture.Append('=', filled).Append('>').Append(' ', width - 1 - filled);
        }
        else
        {
            const string Mark = "<=>";
            int span = width - Mark.Length;
            int position = download.Arrivals % (2 * span);
            position = position > span ? (2 * span) - position : position;
            _ = picture.Append(' ', position).Append(Mark).Append(' ', span - position);
        }
    }

    private static string Amount(long bytes) =>
        bytes < 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
        : bytes < 1024 * 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB")
        : bytes < 1024L * 1024 * 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):F1} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):F1} GiB");

    private sealed class Download
    {
        public Endpoint? From { get; set; }

        public long Bytes { get; set; }

        public long Size { get; set; }

        public int Arrivals { get; set; }

        public State State { get; set; }
    }
}
