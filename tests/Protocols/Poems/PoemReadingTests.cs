using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>A file that is rewritten in place is read when it stands still, and not before.</summary>
[TestClass]
public sealed class PoemReadingTests
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualClock _clock = new();
    private PoemProblem? _problem;

    [TestCleanup]
    public void Remove() => _folder.Dispose();

    [TestMethod]
    public void AFileOfAMomentAgo_IsReadTwice()
    {
        PoemSource source = Open("aaaa");
        _ = _folder.Write("poem.txt", "bbbb");
        Reload(source);
        Assert.IsNull(_problem, "it may still be written");
        _clock.Advance(PoemReader.Pause);
        Assert.AreEqual(default(PoemProblem), _problem);
        Assert.AreEqual("bbbb", Text(source));
    }

    /// <summary>The kernel's clock may show the same time for two writes: the bytes have to be compared.</summary>
    [TestMethod]
    public void AFileThatChangesBetweenTwoReadings_IsReadOnceMore()
    {
        PoemSource source = Open("aaaa");
        string file = _folder.Write("poem.txt", "bbaa");
        DateTime time = File.GetLastWriteTimeUtc(file);
        Reload(source);
        Overwrite(file, "bbbb");
        File.SetLastWriteTimeUtc(file, time);
        _clock.Advance(PoemReader.Pause);
        Assert.IsNull(_problem, "half of it was old");
        Assert.AreEqual("aaaa", Text(source));
        _clock.Advance(PoemReader.Pause);
        Assert.AreEqual(default(PoemProblem), _problem);
        Assert.AreEqual("bbbb", Text(source));
    }

    [TestMethod]
    public void AFileThatNeverStandsStill_KeepsTheOldPoem()
    {
        PoemSource source = Open("aaaa");
        string file = _folder["poem.txt"];
        Overwrite(file, "b0");
        Reload(source);
        int changes = 0;
        while (_problem is null)
        {
            Overwrite(file, $"b{++changes}");
            _clock.Advance(PoemReader.Pause);
        }

        Assert.AreEqual($"cannot read {file}: it keeps changing", _problem.Value.Sentence);
        Assert.AreEqual("aaaa", Text(source));
        Assert.AreEqual(150, changes);
    }

    [TestMethod]
    public void AFileThatWasNotWrittenLately_IsReadAtOnce()
    {
        PoemSource source = Open("aaaa");
        File.SetLastWriteTimeUtc(_folder.Write("poem.txt", "bbbb"), DateTime.UtcNow.AddSeconds(-1));
        Reload(source);
        Assert.AreEqual(default(PoemProblem), _problem);
        Assert.AreEqual("bbbb", Text(source));
    }

    /// <summary>Aim: a writer that is held up in the middle is noticed. Only Linux tells of writers.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void AFileThatIsOpenForWriting_IsWaitedFor()
    {
        PoemSource source = Open("aaaa");
        string file = _folder["poem.txt"];
        using (FileStream writer = File.OpenWrite(file))
        {
            writer.Write("bb"u8);
            writer.Flush();
            Reload(source);
            for (int i = 0; i < 10; i++)
            {
                _clock.Advance(PoemReader.Pause);
                Assert.IsNull(_problem, "half of it is old");
            }

            writer.Write("bb"u8);
        }

        _clock.Advance(PoemReader.Pause);
        _clock.Advance(PoemReader.Pause);
        Assert.AreEqual(default(PoemProblem), _problem);
        Assert.AreEqual("bbbb", Text(source));
    }

    [TestMethod]
    public void AFileThatIsKeptOpenForWriting_IsReadWhenItStandsStill()
    {
        PoemSource source = Open("aaaa");
        string file = _folder.Write("poem.txt", "bbbb");
        using FileStream writer = File.OpenWrite(file);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds(-3));
        Reload(source);
        Assert.AreEqual(default(PoemProblem), _problem);
        Assert.AreEqual("bbbb", Text(source));
    }

    private static void Overwrite(string file, string text)
    {
        using FileStream stream = File.OpenWrite(file);
        stream.Write(Encoding.ASCII.GetBytes(text));
    }

    private static string Text(PoemSource source)
    {
        Poem poem = source.Acquire();
        string text = Encoding.ASCII.GetString(poem.Parts[0].Span);
        poem.Release();
        return text;
    }

    private PoemSource Open(string text) => PoemSource.TryOpen(_folder.Write("poem.txt", text), PoemFormat.Plain, out _)!;

    private void Reload(PoemSource source) => _ = source.Reload(_clock).AddCallback(problem => _problem = problem);
}
