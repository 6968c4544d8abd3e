using Poetry.Tests.Testing;

namespace Poetry.Tests.Traces;

/// <summary>What Twisted did, program by program: we have to do the same.</summary>
[TestClass]
public sealed class TraceTests
{
    public static IEnumerable<object[]> Files =>
        Directory.GetFiles(TraceReplay.DefaultFolder, "*.jsonl").Order(StringComparer.Ordinal)
            .Select(path => new object[] { Path.GetFileName(path) });

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void Replay_RecordedPrograms_DoAsTheOriginal(string file)
    {
        using var output = new StringWriter();
        var replay = new TraceReplay(output);
        replay.ReplayFile(Path.Combine(TraceReplay.DefaultFolder, file));
        Assert.IsGreaterThan(0, replay.Replayed, "the file has no programs");
        Assert.AreEqual(0, replay.Differing, output.ToString());

        // A recorded program may leave calls, as the original did.
        _ = DelayedCallWatch.Take();
    }
}
