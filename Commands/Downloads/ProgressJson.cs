using System;
using System.Globalization;
using System.Text;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Progress as lines of JSON, for programs: docs/progress-json.md has the fields.</summary>
/// <param name="writer">Writes them.</param>
/// <param name="nowMs">A monotonic clock.</param>
internal sealed class ProgressJson(TerminalWriter writer, Func<long> nowMs) : Progress(nowMs)
{
    /// <inheritdoc/>
    public override void Summary(int poems, int failed, TimeSpan elapsed) => Write(string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"event\":\"summary\",\"poems\":{poems},\"failed\":{failed},\"seconds\":{elapsed.TotalSeconds:F3}}}\n"));

    /// <inheritdoc/>
    public override void Error(string problem) => writer.Write($"{{\"event\":\"error\",\"error\":{Quote(problem)}}}\n");

    private protected override void OnStarted(Entry entry) => writer.Write(Describe("start", entry));

    /// <summary>A reader that is too slow misses some of them.</summary>
    private protected override void OnReceived(Entry entry, int bytes) => _ = writer.TryWrite(Describe("bytes", entry));

    private protected override void OnRestarted(Entry entry, string reason) => writer.Write(Describe("retry", entry, "error", reason));

    private protected override void OnFinished(Entry entry) => writer.Write(Describe("done", entry));

    private protected override void OnFailed(Entry entry, string reason) => writer.Write(Describe("failed", entry, "error", reason));

    private protected override void OnCancelled(Entry entry, string reason) => Write(Describe("cancelled", entry, "error", reason));

    private protected override void OnWarned(Entry entry, string warning) => writer.Write(Describe("warning", entry, "error", warning));

    private protected override void OnNote(Entry entry, string text) => writer.Write(Describe("note", entry, "text", text));

    /// <summary>The last lines. A reader that does not read must not keep the command from ending after a signal.</summary>
    private void Write(string line)
    {
        if (IsInterrupted)
        {
            writer.WriteWithinASecond(line);
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

    private string Describe(string name, Entry entry, string? key = null, string? value = null)
    {
        string total = entry.TotalBytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $",\"total\":{bytes}") : string.Empty;
        string extra = key is null ? string.Empty : $",\"{key}\":{Quote(value!)}";
        double seconds = ((entry.State == State.Running ? NowMs : entry.EndMs) - entry.StartMs) / 1000.0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"event\":\"{name}\",\"task\":{entry.Task},\"address\":{Quote(entry.Address!)},\"bytes\":{entry.Bytes}{total},"
                + $"\"seconds\":{seconds:F3}{extra}}}\n");
    }
}
