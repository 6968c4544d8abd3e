using System;
using System.Globalization;
using System.Text;

namespace Poetry.Commands;

/// <summary>
/// One line: <c>Task 1: 127.0.0.1:10001  [=====>    ]  45%  1.2 MiB  340.0 KiB/s  0:03 eta 0:04</c>. On a narrow terminal the elapsed time
/// is left out first, then the time left, the rate, the per cent, and at last the bar itself.
/// </summary>
/// <param name="name">Which download it is.</param>
/// <param name="columns">Of the terminal. The last one is never written to: some terminals break the line there.</param>
internal readonly ref struct ProgressBar(string name, int columns)
{
    /// <summary>A narrower bar shows nothing.</summary>
    private const int MinBarWidth = 8;

    private const int MaxNameWidth = 32;

    /// <summary>Names that are shorter are padded, so that the bars of most downloads begin in one column.</summary>
    private const int MinNameWidth = 23;

    private const string Green = "\x1b[32m";
    private const string Plain = "\x1b[0m";

    public long Bytes { get; init; }

    /// <summary>Null if unknown.</summary>
    public long? TotalBytes { get; init; }

    public bool IsComplete { get; init; }

    public int Arrivals { get; init; }

    public long ElapsedMs { get; init; }

    public bool HasColours { get; init; }

    /// <summary>Bytes a second, on average.</summary>
    private long Rate => (long)Math.Min(Bytes * 1000.0 / Math.Max(ElapsedMs, 1), long.MaxValue);

    public void AppendTo(StringBuilder line)
    {
        int maxName = Math.Min(MaxNameWidth, Math.Max(1, columns / 2));
        string shown = name.Length > maxName ? name[..(maxName - 1)] + "~" : name.PadRight(Math.Min(MinNameWidth, maxName));
        string amount = $" {FormatBytes(Bytes),9}";
        string percent = TotalBytes is null ? string.Empty : $" {Percent(),3}%";
        string rate = $" {FormatBytes(Rate),9}/s";
        string elapsed = $" {FormatTime(ElapsedMs),5}";
        string left = !IsComplete && TotalBytes is { } total && Bytes > 0
            ? $" eta {FormatTime((long)((double)(total - Bytes) / Bytes * ElapsedMs)),4}"
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
            _ = line.Append(plain, 0, Math.Min(plain.Length, Math.Max(0, columns - 1)));
            return;
        }

        _ = line.Append(shown).Append(" [").Append(IsComplete && HasColours ? Green : string.Empty);
        AppendBar(line, width);
        _ = line.Append(IsComplete && HasColours ? Plain : string.Empty).Append(']')
            .Append(hasPercent ? percent : string.Empty)
            .Append(amount)
            .Append(hasRate ? rate : string.Empty)
            .Append(hasElapsed ? elapsed : string.Empty)
            .Append(hasLeft ? left : string.Empty);
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

    private int Percent() => TotalBytes > 0 ? (int)Math.Clamp(Bytes * 100.0 / TotalBytes.Value, 0, 100) : 100;

    /// <summary>A filling bar if the length is known, else a mark that moves while bytes arrive.</summary>
    private void AppendBar(StringBuilder line, int width)
    {
        if (IsComplete)
        {
            _ = line.Append('=', width);
        }
        else if (TotalBytes > 0)
        {
            int filled = (int)Math.Clamp((double)Bytes / TotalBytes.Value * width, 0, width - 1);
            _ = line.Append('=', filled).Append('>').Append(' ', width - 1 - filled);
        }
        else
        {
            const string Mark = "<=>";
            int span = width - Mark.Length;
            int position = Arrivals % (2 * span);
            position = position > span ? (2 * span) - position : position;
            _ = line.Append(' ', position).Append(Mark).Append(' ', span - position);
        }
    }
}
