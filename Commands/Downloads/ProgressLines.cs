using System.Globalization;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Progress as lines: for pipes, files and plain terminals, and for users who want few of them or none.</summary>
/// <param name="writer">Writes the lines.</param>
/// <param name="showsBytes">True for a line for every arrival of bytes.</param>
/// <param name="showsSummary">True for a line at the end.</param>
/// <param name="nowMs">A monotonic clock.</param>
internal sealed class ProgressLines(TerminalWriter writer, bool showsBytes, bool showsSummary, Func<long> nowMs) : Progress(nowMs)
{
    public override void Summary(int poems, int failed, TimeSpan elapsed)
    {
        if (showsSummary)
        {
            writer.Write(SummaryLine(poems, elapsed));
        }
    }

    private protected override void Show(Event what, Entry entry, string? text)
    {
        if (what is Event.Failed or Event.Warning or Event.Note)
        {
            writer.Write(Line(entry, text!));
        }
        else if (what == Event.Bytes && showsBytes)
        {
            string line = string.Create(
                CultureInfo.InvariantCulture, $"Task {entry.Task}: got {entry.LastBytes} bytes of poetry from {entry.Address}");
            _ = writer.TryWrite(TextEscaper.EscapeLine(line) + "\n");
        }
    }
}
