using System.Text.Json;
using Poetry.Protocols;

namespace Poetry.Tests.Traces;

/// <summary>
/// Replays the recorded programs of a folder, all of them, and says where we differ from the original. Each program runs on
/// a deferred of objects, on one that changes its type with every function, and on a deferred of ints if it knows nothing else.
/// </summary>
internal sealed class TraceReplay(TextWriter output)
{
    /// <summary>Programs and streams that were replayed.</summary>
    public int Replayed { get; private set; }

    /// <summary>Those of them in which something was different.</summary>
    public int Differing { get; private set; }

    /// <summary>How often a program ran, by the type it ran on.</summary>
    public SortedDictionary<string, int> Runs { get; } = [];

    /// <summary>The folder that POETRY_TRACES names, or the one next to this file.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("POETRY_TRACES") is { Length: > 0 } named)
            {
                return named;
            }

            for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            {
                string folder = Path.Combine(at.FullName, "tests", "Traces");
                if (File.Exists(Path.Combine(folder, "FORMAT.md")))
                {
                    return folder;
                }
            }

            throw new DirectoryNotFoundException("no tests/Traces above the program: name a folder with POETRY_TRACES");
        }
    }

    /// <summary>The command <c>traces [DIR]</c>: its last line is the sum.</summary>
    /// <returns>The exit code: 0 if nothing differs, 1 if something does, 2 if there is nothing to replay.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        string folder = arguments.Length > 0 ? arguments[0] : DefaultFolder;
        var replay = new TraceReplay(output);
        if (Directory.Exists(folder))
        {
            replay.ReplayFolder(folder);
        }
        else
        {
            output.WriteLine($"there is no folder {folder}");
        }

        output.WriteLine($"programs run: {string.Join(", ", replay.Runs.Select(run => $"{run.Value} on {run.Key}"))}");
        output.WriteLine($"{replay.Replayed} traces replayed, {replay.Differing} differ");
        return replay.Differing > 0 ? 1 : replay.Replayed > 0 ? 0 : 2;
    }

    public void ReplayFolder(string folder)
    {
        foreach (string path in Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal))
        {
            ReplayFile(path);
        }
    }

    public void ReplayFile(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length > 0)
            {
                using var recorded = JsonDocument.Parse(line);
                Replay(recorded.RootElement);
            }
        }
    }

    private void Replay(JsonElement recorded)
    {
        Replayed++;
        bool same;
        if (recorded.TryGetProperty("chunks", out _))
        {
            same = ReplayStream(recorded);
        }
        else
        {
            same = ReplayProgram(recorded, new ObjectFlavour(), "object", out bool tookFromTheMiddle);

            // A chain that changes its type has no result of its last type before it has come there.
            if (!tookFromTheMiddle)
            {
                same &= ReplayProgram(recorded, new ChangingFlavour(), "changing", out _);
            }

            same &= !IsOfInts(recorded) || ReplayProgram(recorded, new IntFlavour(), "int", out _);
        }

        if (!same)
        {
            Differing++;
        }
    }

    private static bool HasKind(JsonElement recorded, string kind) =>
        recorded.GetProperty("kinds").EnumerateArray().Any(one => one.GetString() == kind);

    /// <summary>The result of a list or of an acquire is no int, even if no function is called with it.</summary>
    private static bool IsOfInts(JsonElement recorded) =>
        HasKind(recorded, "ints-only") && !HasKind(recorded, "list") && !HasKind(recorded, "gather")
        && !HasKind(recorded, "lock") && !HasKind(recorded, "semaphore");

    private bool ReplayProgram<T>(JsonElement recorded, TraceFlavour<T> flavour, string name, out bool tookFromTheMiddle)
    {
        Runs[name] = Runs.GetValueOrDefault(name) + 1;
        var program = new TraceProgram<T>(flavour);
        program.Run(recorded.GetProperty("program"));
        tookFromTheMiddle = program.TookFromTheMiddle;
        string id = $"{recorded.GetProperty("id").GetString()} ({name})";
        bool same = Same(id, recorded, "trace", $"[{string.Join(",", program.Events)}]")
            & Same(id, recorded, "final", program.Final())
            & Same(id, recorded, "unhandled", program.Unhandled());
        same &= !recorded.TryGetProperty("clock", out _) || Same(id, recorded, "clock", program.Clock() ?? "null");
        same &= !recorded.TryGetProperty("prims", out _) || Same(id, recorded, "prims", program.Primitives() ?? "null");
        program.Forget();
        return same;
    }

    private bool Same(string id, JsonElement recorded, string part, string got)
    {
        // A deferred of ints has no null: what is left where a result was taken is 0.
        bool ints = part == "final" && id.EndsWith("(int)", StringComparison.Ordinal);
        string expected = recorded.GetProperty(part).GetRawText();
        string comparable = ints ? expected.Replace("\"v\":null", "\"v\":0", StringComparison.Ordinal) : expected;
        using var left = JsonDocument.Parse(comparable);
        using var right = JsonDocument.Parse(got);
        if (JsonElement.DeepEquals(left.RootElement, right.RootElement))
        {
            return true;
        }

        Tell(id, part, recorded.GetProperty("program").GetRawText(), expected, got);
        return false;
    }

    private void Tell(string id, string part, string program, string expected, string got)
    {
        output.WriteLine($"{id}: {part} differs");
        output.WriteLine($"  program  {program}");
        output.WriteLine($"  expected {expected}");
        output.WriteLine($"  got      {got}");
    }

    private bool ReplayStream(JsonElement recorded)
    {
        int max = recorded.GetProperty("max").GetInt32();
        byte[][] chunks = [.. recorded.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetBytesFromBase64())];
        string id = recorded.GetProperty("id").GetString()!;
        bool anyKind = HasKind(recorded, "kind-depends-on-split");
        NetstringStream asRecorded = NetstringStream.Feed(max, chunks);
        bool same = SameStream(id, recorded, asRecorded, anyKind, byChunk: true);

        // The same stream cut elsewhere: the strings and the place of an error may not depend on it.
        byte[] whole = [.. chunks.SelectMany(chunk => chunk)];
        for (int cut = 0; cut <= whole.Length; cut++)
        {
            byte[][] two = cut == 0 ? [whole] : [whole[..cut], whole[cut..]];
            same &= SameStream($"{id} cut at {cut}", recorded, NetstringStream.Feed(max, two), anyKind: true, byChunk: false);
        }

        byte[][] bytes = [.. whole.Select(one => new[] { one })];
        return same & SameStream($"{id} by bytes", recorded, NetstringStream.Feed(max, bytes), anyKind: true, byChunk: false);
    }

    private bool SameStream(string id, JsonElement recorded, NetstringStream got, bool anyKind, bool byChunk)
    {
        string expected = NetstringStream.Describe(recorded, anyKind, byChunk);
        string actual = got.Describe(anyKind, byChunk);
        if (expected == actual)
        {
            return true;
        }

        Tell(id, "stream", recorded.GetProperty("chunks").GetRawText(), expected, actual);
        return false;
    }
}

/// <summary>What a receiver made of a stream, up to its first error.</summary>
internal sealed class NetstringStream
{
    private readonly List<(int Chunk, string Text)> _strings = [];
    private NetstringStatus? _error;
    private int _errorChunk;
    private long _consumed;
    private long _left;

    public static NetstringStream Feed(int max, byte[][] chunks)
    {
        var stream = new NetstringStream();
        using var receiver = new NetstringDecoder(max);
        long fed = 0;
        long good = 0;
        for (int i = 0; i < chunks.Length && receiver.Error is null; i++)
        {
            ReadOnlySpan<byte> data = chunks[i];
            fed += data.Length;
            while (receiver.TryNext(ref data, out ReadOnlySpan<byte> text))
            {
                stream._strings.Add((i, Convert.ToBase64String(text)));
                good = receiver.Position;
            }

            stream._errorChunk = i;
        }

        stream._error = receiver.Error;
        stream._consumed = receiver.Position;
        stream._left = fed - good;
        return stream;
    }

    public static string Describe(JsonElement recorded, bool anyKind, bool byChunk)
    {
        IEnumerable<string> strings = recorded.GetProperty("strings").EnumerateArray()
            .Select(pair => byChunk ? $"{pair[0].GetInt32()} {pair[1].GetString()}" : pair[1].GetString()!);
        JsonElement error = recorded.GetProperty("error");
        string ending = error.ValueKind == JsonValueKind.Null ? "no error" : Ending(
            anyKind ? "error" : error.GetProperty("kind").GetString()!,
            byChunk ? error.GetProperty("chunk").GetInt32() : -1,
            error.GetProperty("consumed").GetInt64());
        return $"[{string.Join(", ", strings)}] {ending} {(byChunk ? recorded.GetProperty("left").GetInt64() : "")}";
    }

    public string Describe(bool anyKind, bool byChunk)
    {
        IEnumerable<string> strings = _strings.Select(pair => byChunk ? $"{pair.Chunk} {pair.Text}" : pair.Text);
        string kind = _error switch
        {
            NetstringStatus.BadLength => "bad-length",
            NetstringStatus.TooLong => "too-long",
            _ => "missing-comma",
        };
        string ending = _error is null ? "no error" : Ending(anyKind ? "error" : kind, byChunk ? _errorChunk : -1, _consumed);
        return $"[{string.Join(", ", strings)}] {ending} {(byChunk ? _left : "")}";
    }

    private static string Ending(string kind, int chunk, long consumed) => $"{kind} in chunk {chunk} at {consumed}";
}
