using System.Globalization;
using System.Text;

namespace Poetry.Commands;

/// <summary>
/// Progress as a bar for each running download, redrawn in place. A complete or failed download becomes a permanent line above
/// the bars. Between two drawings the cursor is at the start of the line below the bars, so the terminal is in order whenever the
/// program ends.
/// </summary>
/// <param name="writer">Writes the bars.</param>
/// <param name="size">Returns the size of the terminal.</param>
/// <param name="hasColours">True to colour complete poems.</param>
/// <param name="nowMs">A monotonic clock.</param>
internal sealed partial class ProgressBars(
    TerminalWriter writer, Func<(int Columns, int Rows)> size, bool hasColours, Func<long> nowMs) : Progress(nowMs)
{
    /// <summary>The minimum time between two drawings: 20 per second look smooth, and are few enough for a slow connection.</summary>
    private const int MinIntervalMs = 50;

    private int _drawnLines;
    private long _nextDrawMs = long.MinValue;
    private bool _isSuspended;

    /// <summary>Erases the bars that remain, which are those of cancelled downloads, and writes the summary.</summary>
    public override void Summary(int poems, int failed, TimeSpan elapsed)
    {
        writer.Write(Erasure() + SummaryLine(poems, elapsed));
        _drawnLines = 0;
    }

    public override void Suspend()
    {
        writer.Write(Erasure());
        _drawnLines = 0;
        _isSuspended = true;
    }

    public override void Resume(bool atLineStart)
    {
        if (!atLineStart)
        {
            writer.Write("\n");
        }

        _isSuspended = false;
        _nextDrawMs = long.MinValue;
    }

    /// <summary>Updates the times while no bytes arrive.</summary>
    public override void Tick() => DrawIfDue();

    private protected override void Show(Event what, Entry entry, string? text)
    {
        switch (what)
        {
            case Event.Done:
                var line = new StringBuilder();
                Append(line, entry, size().Columns, isComplete: true);
                WriteAbove(line.ToString());
                break;
            case Event.Failed or Event.Warning or Event.Note:
                WriteAbove(Line(entry, text!));
                break;
            case Event.Start or Event.Bytes or Event.Retry:
                DrawIfDue();
                break;
        }
    }

    /// <summary>Writes a line that stays above the bars.</summary>
    private void WriteAbove(string line)
    {
        string erasure = Erasure();
        _drawnLines = 0;
        writer.Write(erasure + line + (_isSuspended ? string.Empty : Drawing()));
    }

    private void DrawIfDue()
    {
        long now = NowMs;
        if (_isSuspended || now < _nextDrawMs)
        {
            return;
        }

        _nextDrawMs = now + MinIntervalMs;
        int before = _drawnLines;
        if (!writer.TryWrite(Drawing()))
        {
            _drawnLines = before;
        }
    }

    /// <summary>The text that moves to the first of the drawn lines and clears the screen from there.</summary>
    private string Erasure() => _drawnLines == 0 ? string.Empty
        : string.Create(CultureInfo.InvariantCulture, $"\x1b[{_drawnLines}A\r\x1b[J");

    /// <summary>The text that draws over the previous bars. Each line is cleared only from its end, so nothing flickers.</summary>
    private string Drawing()
    {
        (int columns, int rows) = size();
        var drawing = new StringBuilder();
        if (_drawnLines > 0)
        {
            _ = drawing.Append(CultureInfo.InvariantCulture, $"\x1b[{_drawnLines}A\r");
        }

        // A drawing taller than the screen can't be overwritten: the first bars are shown, the others counted.
        int max = Math.Max(1, rows - 2);
        int shown = 0, hidden = 0;
        foreach (Entry entry in Entries)
        {
            if (entry.Address is null || entry.EndMs is not null)
            {
                continue;
            }

            if (shown == max)
            {
                hidden++;
                continue;
            }

            Append(drawing, entry, columns, isComplete: false);
            shown++;
        }

        if (hidden > 0)
        {
            _ = drawing.Append(CultureInfo.InvariantCulture, $"and {hidden} more\x1b[K\n");
            shown++;
        }

        _ = drawing.Append("\x1b[J");
        _drawnLines = shown;
        return drawing.ToString();
    }
}
