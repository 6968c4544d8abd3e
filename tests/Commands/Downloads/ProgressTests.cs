using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class ProgressTests
{
    private const string First = "127.0.0.1:10001";
    private const string Second = "127.0.0.1:10005";

    private readonly ScreenWriter _screen = new();
    private long _nowMs;

    [TestMethod]
    public void Lines_ADownloadAndAFailure_AreTheLinesOfTheManual()
    {
        Play(Lines(showsBytes: true, showsSummary: true));
        Assert.AreEqual(
            "Task 1: got 30 bytes of poetry from 127.0.0.1:10001\n" +
            "Task 1: got 5 bytes of poetry from 127.0.0.1:10001\n" +
            "Task 2: 127.0.0.1:10005: connection refused\n" +
            "Got 1 poems in 8.2 seconds.\n",
            _screen.Written);
    }

    [TestMethod]
    public void Lines_None_AreTheFailureAndTheSummary()
    {
        Play(Lines(showsBytes: false, showsSummary: true));
        Assert.AreEqual("Task 2: 127.0.0.1:10005: connection refused\nGot 1 poems in 8.2 seconds.\n", _screen.Written);
    }

    [TestMethod]
    public void Lines_Quiet_AreTheFailureOnly()
    {
        Play(Lines(showsBytes: false, showsSummary: false));
        Assert.AreEqual("Task 2: 127.0.0.1:10005: connection refused\n", _screen.Written);
    }

    [TestMethod]
    public void Lines_WarningFromOutside_IsEscaped()
    {
        var progress = Lines(showsBytes: false, showsSummary: false);
        progress.Started(1, First);
        progress.Warned(1, "bad\n\x1b[2J");
        Assert.AreEqual("Task 1: 127.0.0.1:10001: bad\\x0A\\x1B[2J\n", _screen.Written);
    }

    [TestMethod]
    public void Lines_StoppedTerminal_LosesProgressAndNothingElse()
    {
        _screen.IsStopped = true;
        Play(Lines(showsBytes: true, showsSummary: true));
        Assert.AreEqual("Task 2: 127.0.0.1:10005: connection refused\nGot 1 poems in 8.2 seconds.\n", _screen.Written);
    }

    [TestMethod]
    public void Bars_AreRedrawnInPlace()
    {
        ProgressBars bars = Bars(80, 24);
        bars.Started(1, First);
        bars.Announced(1, 2048);
        Later(() => bars.Started(2, Second));
        Later(() => bars.Received(1, 512));
        string[] rows = _screen.Rows(80);
        Assert.AreEqual(2, rows.Length, _screen.Written);
        StringAssert.StartsWith(rows[0], "Task 1: 127.0.0.1:10001 [", StringComparison.Ordinal);
        StringAssert.EndsWith(rows[0], "]  25%     512 B     256 B/s  0:02 eta 0:06", StringComparison.Ordinal);
        string bar = rows[0][(rows[0].IndexOf('[', StringComparison.Ordinal) + 1)..rows[0].IndexOf(']', StringComparison.Ordinal)];
        Assert.AreEqual(bar.Length / 4, bar.IndexOf('>', StringComparison.Ordinal), bar);
        StringAssert.Contains(rows[1], "[<=>", StringComparison.Ordinal);
        StringAssert.EndsWith(rows[1], "]       0 B       0 B/s  0:01", StringComparison.Ordinal);

        Later(() => bars.Received(1, 1536));
        bars.Finished(1);
        bars.Finished(2);
        bars.Summary(2, 0, TimeSpan.FromSeconds(0.26));
        rows = _screen.Rows(80);
        Assert.AreEqual(3, rows.Length, _screen.Written);
        StringAssert.Contains(rows[0], "====] 100%", StringComparison.Ordinal);
        StringAssert.EndsWith(rows[0], " 2.0 KiB     682 B/s  0:03", StringComparison.Ordinal);
        Assert.AreEqual("Got 2 poems in 0.3 seconds.", rows[2]);
    }

    /// <summary>What has ended is one line above the bars, and is not drawn again with them.</summary>
    [TestMethod]
    public void Bars_FinishedPoem_IsWrittenOnce()
    {
        ProgressBars bars = Bars(80, 24);
        bars.Started(1, First);
        Later(() => bars.Started(2, Second));
        bars.Suspend();
        _screen.Write("a poem\n");
        bars.Resume(atLineStart: true);
        bars.Finished(1);
        int length = _screen.Written.Length;
        for (int i = 0; i < 10; i++)
        {
            Later(() => bars.Received(2, 1));
        }

        Assert.DoesNotContain("Task 1", _screen.Written[length..]);
        string[] rows = _screen.Rows(80);
        Assert.AreEqual("a poem", rows[0]);
        StringAssert.StartsWith(rows[1], "Task 1: ", StringComparison.Ordinal);
        StringAssert.StartsWith(rows[2], "Task 2: ", StringComparison.Ordinal);
        Assert.HasCount(3, rows);
    }

    /// <summary>A race is won, or the user interrupts: nothing but what has ended stays on the screen.</summary>
    [TestMethod]
    public void Bars_CancelledDownloads_LeaveNoLines()
    {
        ProgressBars bars = Bars(80, 6);
        for (int task = 1; task <= 10; task++)
        {
            Later(() => bars.Started(task, First));
        }

        bars.Finished(3);
        bars.Summary(1, 0, TimeSpan.Zero);
        string[] rows = _screen.Rows(80);
        Assert.HasCount(2, rows);
        StringAssert.StartsWith(rows[0], "Task 3: ", StringComparison.Ordinal);
        Assert.AreEqual("Got 1 poems in 0.0 seconds.", rows[1]);
    }

    /// <summary>The last bytes before a pause came too soon after a drawing to be drawn: they are shown a moment later.</summary>
    [TestMethod]
    public void Bars_NothingArrives_TimeGoesOn()
    {
        ProgressBars bars = Bars(80, 24);
        bars.Started(1, First);
        bars.Received(1, 512);
        StringAssert.Contains(_screen.Rows(80)[0], " 0 B ", StringComparison.Ordinal);
        Later(bars.Tick);
        StringAssert.EndsWith(_screen.Rows(80)[0], " 512 B     512 B/s  0:01", StringComparison.Ordinal);
    }

    /// <summary>What a narrow terminal leaves out, from the least to the most important.</summary>
    [TestMethod]
    [DataRow(80, "%", "B/s", "0:02", "eta")]
    [DataRow(72, "%", "B/s", "", "eta")]
    [DataRow(69, "%", "B/s", "0:02", "")]
    [DataRow(60, "%", "", "", "")]
    [DataRow(45, "", "", "", "")]
    public void Bars_NarrowTerminal_LeavesFieldsOut(int columns, params string[] fields)
    {
        ProgressBars bars = Bars(columns, 24);
        bars.Started(1, First);
        bars.Announced(1, 2048);
        Later(() => bars.Received(1, 1));
        Later(() => bars.Received(1, 511));
        string row = _screen.Rows(columns)[0];
        StringAssert.Contains(row, ">", StringComparison.Ordinal);
        foreach (string field in (string[])["%", "B/s", "0:02", "eta"])
        {
            Assert.AreEqual(fields.Contains(field), row.Contains(field, StringComparison.Ordinal), $"{field} in {row}");
        }
    }

    [TestMethod]
    public void Json_EveryEvent_IsAnObjectOfItsOwn()
    {
        var progress = new ProgressJson(_screen, () => _nowMs);
        progress.Started(1, First);
        progress.Announced(1, 35);
        Later(() => progress.Received(1, 30));
        progress.Started(2, "a\"\u202e\n");
        progress.Restarted(2, "empty reply");
        progress.Note(2, "note");
        progress.Warned(2, "warning");
        Later(() => progress.Failed(2, "connection \"refused\""));
        progress.Received(1, 5);
        progress.Finished(1);
        progress.Started(3, First);
        progress.Cancelled(3, "ended by SIGINT");
        progress.Error("cannot write standard output");
        progress.Summary(1, 1, TimeSpan.FromSeconds(2));
        string[] expected =
        [
            "{\"event\":\"start\",\"task\":1,\"address\":\"127.0.0.1:10001\",\"bytes\":0,\"seconds\":0.000}",
            "{\"event\":\"bytes\",\"task\":1,\"address\":\"127.0.0.1:10001\",\"bytes\":30,\"total\":35,\"seconds\":1.000}",
            "{\"event\":\"start\",\"task\":2,\"address\":\"a\\\"\\u202E\\n\",\"bytes\":0,\"seconds\":0.000}",
            "{\"event\":\"retry\",\"task\":2,\"address\":\"a\\\"\\u202E\\n\",\"bytes\":0,\"seconds\":0.000,\"error\":\"empty reply\"}",
            "{\"event\":\"note\",\"task\":2,\"address\":\"a\\\"\\u202E\\n\",\"bytes\":0,\"seconds\":0.000,\"text\":\"note\"}",
            "{\"event\":\"warning\",\"task\":2,\"address\":\"a\\\"\\u202E\\n\",\"bytes\":0,\"seconds\":0.000,\"error\":\"warning\"}",
            "{\"event\":\"failed\",\"task\":2,\"address\":\"a\\\"\\u202E\\n\",\"bytes\":0,\"seconds\":1.000,"
                + "\"error\":\"connection \\\"refused\\\"\"}",
            "{\"event\":\"bytes\",\"task\":1,\"address\":\"127.0.0.1:10001\",\"bytes\":35,\"total\":35,\"seconds\":2.000}",
            "{\"event\":\"done\",\"task\":1,\"address\":\"127.0.0.1:10001\",\"bytes\":35,\"total\":35,\"seconds\":2.000}",
            "{\"event\":\"start\",\"task\":3,\"address\":\"127.0.0.1:10001\",\"bytes\":0,\"seconds\":0.000}",
            "{\"event\":\"cancelled\",\"task\":3,\"address\":\"127.0.0.1:10001\",\"bytes\":0,\"seconds\":0.000,"
                + "\"error\":\"ended by SIGINT\"}",
            "{\"event\":\"error\",\"error\":\"cannot write standard output\"}",
            "{\"event\":\"summary\",\"poems\":1,\"failed\":1,\"seconds\":2.000}",
        ];
        CollectionAssert.AreEqual(expected, _screen.Written.TrimEnd('\n').Split('\n'));
    }

    [TestMethod]
    public void Bars_Failure_StaysAboveTheBars()
    {
        ProgressBars bars = Bars(60, 24);
        bars.Started(1, First);
        Later(() => bars.Started(2, Second));
        bars.Failed(2, "connection refused");
        string[] rows = _screen.Rows(60);
        Assert.AreEqual(2, rows.Length, _screen.Written);
        Assert.AreEqual("Task 2: 127.0.0.1:10005: connection refused", rows[0]);
        StringAssert.StartsWith(rows[1], "Task 1: ", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Bars_AnyWidth_NeverReachTheLastColumn()
    {
        for (int columns = 1; columns < 200; columns += 7)
        {
            ProgressBars bars = Bars(columns, 24);
            bars.Started(1, "a-rather-long-name.of-a-rather-remote.example:10001");
            bars.Announced(1, long.MaxValue);
            Later(() => bars.Received(1, int.MaxValue));
            bars.Finished(1);
            bars.Started(2, First);
            Later(() => bars.Received(2, 0));
            string[] rows = _screen.Rows(int.MaxValue);
            Assert.IsTrue(rows.All(row => row.Length < columns), $"{columns}: {string.Join('|', rows)}");
            _screen.Clear();
        }
    }

    [TestMethod]
    public void Bars_MoreThanTheScreenHolds_AreCounted()
    {
        ProgressBars bars = Bars(60, 6);
        for (int task = 1; task <= 10; task++)
        {
            Later(() => bars.Started(task, First));
        }

        Later(() => bars.Received(2, 1));
        string[] rows = _screen.Rows(60);
        Assert.AreEqual(5, rows.Length, _screen.Written);
        StringAssert.StartsWith(rows[0], "Task 1: ", StringComparison.Ordinal);
        StringAssert.StartsWith(rows[3], "Task 4: ", StringComparison.Ordinal);
        Assert.AreEqual("and 6 more", rows[4]);
    }

    [TestMethod]
    public void Bars_OftenerThanTheEyeSees_AreNotDrawn()
    {
        ProgressBars bars = Bars(60, 24);
        bars.Started(1, First);
        int drawn = _screen.Written.Length;
        for (int i = 0; i < 100; i++)
        {
            bars.Received(1, 10);
        }

        Assert.AreEqual(drawn, _screen.Written.Length);
        Later(() => bars.Received(1, 24));
        StringAssert.Contains(_screen.Rows(60)[0], " 1.0 KiB", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Bars_StoppedTerminal_AreDroppedAndRightAfterwards()
    {
        ProgressBars bars = Bars(60, 24);
        bars.Started(1, First);
        _screen.IsStopped = true;
        Later(() => bars.Started(2, Second));
        Later(() => bars.Received(1, 10));
        _screen.IsStopped = false;
        Later(() => bars.Received(1, 20));
        string[] rows = _screen.Rows(60);
        Assert.AreEqual(2, rows.Length, _screen.Written);
        StringAssert.Contains(rows[0], " 30 B", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Bars_PoemOnTheSameTerminal_IsNotOverwritten()
    {
        ProgressBars bars = Bars(60, 24);
        bars.Started(1, First);
        Later(() => bars.Started(2, Second));
        bars.Suspend();
        _screen.Write("a poem\nwithout an end");
        Later(() => bars.Received(2, 1));
        bars.Resume(atLineStart: false);
        Later(() => bars.Received(2, 1));
        string[] rows = _screen.Rows(60);
        Assert.AreEqual("a poem|without an end", string.Join('|', rows[..2]));
        Assert.AreEqual(4, rows.Length, _screen.Written);
    }

    [TestMethod]
    public void Bars_Colours_OnlyWhereWanted()
    {
        foreach (bool colours in (bool[])[true, false])
        {
            _screen.Clear();
            var bars = new ProgressBars(_screen, () => (60, 24), colours, () => _nowMs);
            bars.Started(1, First);
            bars.Finished(1);
            bars.Summary(1, 0, TimeSpan.Zero);
            Assert.AreEqual(colours, _screen.Written.Contains("\x1b[32m", StringComparison.Ordinal));
        }
    }

    private static void Play(ProgressLines progress)
    {
        progress.Started(1, First);
        progress.Started(2, Second);
        progress.Received(1, 30);
        progress.Announced(1, 35);
        progress.Received(1, 5);
        progress.Failed(2, "connection refused");
        progress.Finished(1);
        progress.Summary(1, 1, TimeSpan.FromSeconds(8.24));
    }

    private ProgressLines Lines(bool showsBytes, bool showsSummary) => new(_screen, showsBytes, showsSummary, () => _nowMs);

    private ProgressBars Bars(int columns, int rows) => new(_screen, () => (columns, rows), hasColours: false, () => _nowMs);

    private void Later(Action what)
    {
        _nowMs += 1000;
        what();
    }
}
