using System.Globalization;
using System.Text;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Progress as lines of JSON, for programs: docs/progress-json.md describes the fields.</summary>
/// <param name="writer">Writes the lines.</param>
/// <param name="nowMs">A monotonic clock.</param>
internal sealed class ProgressJson(TerminalWriter writer, Func<long> nowMs) : Progress(nowMs)
{
    public override void Summary(int poems, int failed, TimeSpan elapsed) => writer.Write(string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"event\":\"summary\",\"poems\":{poems},\"failed\":{failed},\"seconds\":{elapsed.TotalSeconds:F3}}}\n"));

    public override void Error(string problem) => writer.Write($"{{\"event\":\"error\",\"error\":{Quote(problem)}}}\n");

    private protected override void Show(Event what, Entry entry, string? text)
    {
        string total = entry.TotalBytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $",\"total\":{bytes}") : string.Empty;
        string extra = text is null ? string.Empty : $",\"{(what == Event.Note ? "text" : "error")}\":{Quote(text)}";
        double seconds = ((entry.EndMs ?? NowMs) - entry.StartMs) / 1000.0;
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"event\":\"{what.ToString().ToLowerInvariant()}\",\"task\":{entry.Task},\"address\":{Quote(entry.Address!)},"
                + $"\"bytes\":{entry.Bytes}{total},\"seconds\":{seconds:F3}{extra}}}\n");
        if (what == Event.Bytes)
        {
            // A slow reader misses some of these events.
            _ = writer.TryWrite(line);
        }
        else
        {
            writer.Write(line);
        }
    }

    private static string Quote(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] escaped = new byte[utf8.Length * TextEscaper.MaxEscapeLength];
        TextEscaper.EscapeUtf8(utf8, escaped, EscapeMode.Json, isFinal: true, out _, out int length);
        return $"\"{Encoding.UTF8.GetString(escaped, 0, length)}\"";
    }
}
