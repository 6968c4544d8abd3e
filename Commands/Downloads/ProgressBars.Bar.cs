using System.Globalization;
using System.Text;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>
/// One line: <c>Task 1: 127.0.0.1:10001  [=====>    ]  45%  1.2 MiB  340.0 KiB/s  0:03 eta 0:04</c>. On a narrow terminal the
/// elapsed time is left out first, then the time left, the rate, the percentage, and finally the bar itself.
/// </content>
internal sealed partial class ProgressBars
{
    /// <summary>The minimum width of a bar: a narrower one shows nothing.</summary>
    private const int MinBarWidth = 8;

    private const int MaxNameWidth = 32;

    /// <summary>Shorter names are padded, so that the bars of most downloads begin in one column.</summary>
    private const int MinNameWidth = 23;

    private const string Green = "\x1b[32m";
    private const string Plain = "\x1b[0m";
    private const string EndOfLine = "\x1b[K\n";

    /// <summary>Appends the line of a download.</summary>
    /// <param name="line">The text to append to; a newline is appended too.</param>
    /// <param name="entry">The state of the download.</param>
    /// <param name="columns">The width of the terminal. The last column stays empty: some terminals break the line there.</param>
    /// <param name="isComplete">True for a complete poem, whose line stays.</param>
    private void Append(StringBuilder line, Entry entry, int columns, bool isComplete)
    {
        string name = TextEscaper.EscapeLine($"Task {entry.Task}: {entry.Address}");
        int maxName = Math.Min(MaxNameWidth, Math.Max(1, columns / 2));
        string shown = name.Length > maxName ? name[..(maxName - 1)] + "~" : name.PadRight(Math.Min(MinNameWidth, maxName));
        string amount = $" {FormatBytes(entry.Bytes),9}";
        long? total = isComplete ? entry.Bytes : entry.TotalBytes;
        int reached = total > 0 ? (int)Math.Min(entry.Bytes * 100.0 / total.Value, 100) : 100;
        string percent = total is null ? string.Empty : $" {reached,3}%";
        long elapsedMs = (entry.EndMs ?? NowMs) - entry.StartMs;
        string rate = $" {FormatBytes((long)Math.Min(entry.Bytes * 1000.0 / Math.Max(elapsedMs, 1), long.MaxValue)),9}/s";
        string elapsed = $" {FormatTime(elapsedMs),5}";
        string left = !isComplete && total is not null && entry.Bytes > 0
            ? $" eta {FormatTime((long)((double)(total.Value - entry.Bytes) / entry.Bytes * elapsedMs)),4}"
            : string.Empty;

        // " [" and "]" stand around the bar.
        int width = columns - 1 - shown.Length - amount.Length - 3;
        bool hasPercent = TryFit(percent, ref width);
        bool hasRate = TryFit(rate, ref width);
        bool hasLeft = hasRate && TryFit(left, ref width);
        bool hasElapsed = hasRate && TryFit(elapsed, ref width);
        if (width < MinBarWidth)
        {
            string plain = shown + amount;
            _ = line.Append(plain, 0, Math.Min(plain.Length, Math.Max(0, columns - 1))).Append(EndOfLine);
            return;
        }

        string bar = isComplete ? new string('=', width)
            : total > 0 ? Filled((int)Math.Min((double)entry.Bytes / total.Value * width, width - 1), width)
            : Moving(entry.Arrivals, width);
        _ = line.Append(shown).Append(" [")
            .Append(isComplete && hasColours ? $"{Green}{bar}{Plain}" : bar)
            .Append(']')
            .Append(hasPercent ? percent : string.Empty)
            .Append(amount)
            .Append(hasRate ? rate : string.Empty)
            .Append(hasElapsed ? elapsed : string.Empty)
            .Append(hasLeft ? left : string.Empty)
            .Append(EndOfLine);
    }

    private static bool TryFit(string field, ref int width)
    {
        bool fits = width - field.Length >= MinBarWidth;
        width -= fits ? field.Length : 0;
        return fits;
    }

    private static string FormatBytes(long bytes) =>
        bytes < 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B")
        : bytes < 1024 * 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB")
        : bytes < 1024L * 1024 * 1024 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):F1} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):F1} GiB");

    private static string FormatTime(long ms)
    {
        long seconds = Math.Min(Math.Max(ms, 0) / 1000, (100 * 3600) - 1);
        return seconds < 3600
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}");
    }

    private static string Filled(int filled, int width) => new string('=', filled) + '>' + new string(' ', width - 1 - filled);

    /// <summary>A mark that moves while bytes arrive, for an unknown length.</summary>
    private static string Moving(int arrivals, int width)
    {
        const string Mark = "<=>";
        int span = width - Mark.Length;
        int position = arrivals % (2 * span);
        return Mark.PadLeft(Mark.Length + (position > span ? (2 * span) - position : position)).PadRight(width);
    }
}
