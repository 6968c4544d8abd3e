using System.Text;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class PoemOutputTests
{
    private readonly List<byte> _shown = [];
    private Errno _error;

    [TestMethod]
    public void StandardOutput_Poem_ShowsNothingBeforeItIsWhole()
    {
        StandardOutputPoem poem = Poem();
        byte[] expected = new byte[300_000];
        new Random(1).NextBytes(expected);
        for (int at = 0; at < expected.Length;)
        {
            int count = Math.Min(7001, expected.Length - at);
            Assert.AreEqual(Errno.None, poem.Write(expected.AsSpan(at, count)));
            at += count;
        }

        Assert.AreEqual(0, _shown.Count);
        Assert.IsFalse(poem.HasShown);
        Assert.AreEqual(Errno.None, poem.Commit());
        CollectionAssert.AreEqual(expected, _shown.ToArray());
        Assert.IsTrue(poem.HasShown);
    }

    [TestMethod]
    public void StandardOutput_ReadInPlace_ShowsThePoemInOrder()
    {
        StandardOutputPoem poem = Poem();
        byte[] expected = new byte[3_000_000];
        new Random(2).NextBytes(expected);
        for (int at = 0; at < expected.Length;)
        {
            // Now and then something comes from elsewhere, as the first bytes of every poem do.
            Span<byte> room = at % 3 == 0 ? new byte[10_000] : poem.GetBuffer();
            int count = Math.Min(Math.Min(room.Length, 99_991), expected.Length - at);
            expected.AsSpan(at, count).CopyTo(room);
            Assert.AreEqual(Errno.None, poem.Write(room[..count]));
            at += count;
        }

        Assert.AreEqual(Errno.None, poem.Commit());
        CollectionAssert.AreEqual(expected, _shown.ToArray());
    }

    [TestMethod]
    public void StandardOutput_Aborted_ShowsNothing()
    {
        StandardOutputPoem poem = Poem();
        Assert.AreEqual(Errno.None, poem.Write("half"u8));
        poem.Abort();
        Assert.AreEqual(0, _shown.Count);
        Assert.IsFalse(poem.HasShown);
    }

    [TestMethod]
    public void StandardOutput_Shown_TellsWhetherItEndsALine()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.EndsLine);
        Assert.AreEqual(Errno.None, poem.Write("one"u8));
        Assert.AreEqual(Errno.None, poem.Commit());
        Assert.IsFalse(poem.EndsLine);
    }

    [TestMethod]
    public void StandardOutput_EmptyPoem_IsAPoem()
    {
        StandardOutputPoem poem = Poem();
        Assert.AreEqual(Errno.None, poem.Commit());
        Assert.AreEqual(0, _shown.Count);
        Assert.IsTrue(poem.EndsLine);
    }

    [TestMethod]
    public void StandardOutput_OnATerminal_IsEscaped()
    {
        StandardOutputPoem poem = new(escapes: true, Write);
        Assert.AreEqual(Errno.None, poem.Write([(byte)'a', 0xE2, 0x80]));
        Assert.AreEqual(Errno.None, poem.Write([0xAE, 0x1B, 0xC2]));
        Assert.AreEqual(Errno.None, poem.Commit());
        Assert.AreEqual("a\\u202E\\x1B\\xC2", Shown());
    }

    [TestMethod]
    public void StandardOutput_ReaderGone_IsNoProblemToTell()
    {
        StandardOutputPoem poem = Poem();
        Assert.AreEqual(Errno.None, poem.Write("poem"u8));
        _error = Errno.EPIPE;
        Errno error = poem.Commit();
        Assert.AreEqual(Errno.EPIPE, error);
    }

    [TestMethod]
    public void StandardOutput_DiskFull_IsToldInTheWordsOfTheSystem()
    {
        StandardOutputPoem poem = Poem();
        Assert.AreEqual(Errno.None, poem.Write("poem"u8));
        _error = Errno.ENOSPC;
        Assert.AreEqual("cannot write standard output: no space left on device", PoemOutput.ProblemOf(poem.Name, poem.Commit()));
    }

    private StandardOutputPoem Poem() => new(escapes: false, Write);

    private string Shown() => Encoding.UTF8.GetString(_shown.ToArray());

    private Errno Write(ReadOnlySpan<byte> bytes)
    {
        if (_error == Errno.None)
        {
            _shown.AddRange(bytes);
        }

        return _error;
    }
}
