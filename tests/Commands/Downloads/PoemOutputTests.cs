using System;
using System.Collections.Generic;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
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
            Assert.IsTrue(poem.Write(expected.AsSpan(at, count)).IsOk);
            at += count;
        }

        Assert.AreEqual(0, _shown.Count);
        Assert.IsFalse(poem.HasShown);
        Assert.IsTrue(poem.Commit().IsOk);
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
            Assert.IsTrue(poem.Write(room[..count]).IsOk);
            at += count;
        }

        Assert.IsTrue(poem.Commit().IsOk);
        CollectionAssert.AreEqual(expected, _shown.ToArray());
    }

    [TestMethod]
    public void StandardOutput_Aborted_ShowsNothing()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.Write("half"u8).IsOk);
        poem.Abort();
        Assert.AreEqual(0, _shown.Count);
        Assert.IsFalse(poem.HasShown);
    }

    [TestMethod]
    public void StandardOutput_Shown_TellsWhetherItEndsALine()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.EndsLine);
        Assert.IsTrue(poem.Write("one"u8).IsOk);
        Assert.IsTrue(poem.Commit().IsOk);
        Assert.IsFalse(poem.EndsLine);
    }

    [TestMethod]
    public void StandardOutput_EmptyPoem_IsAPoem()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.Commit().IsOk);
        Assert.AreEqual(0, _shown.Count);
        Assert.IsTrue(poem.EndsLine);
    }

    [TestMethod]
    public void StandardOutput_OnATerminal_IsEscaped()
    {
        StandardOutputPoem poem = new(escapes: true, Write);
        Assert.IsTrue(poem.Write([(byte)'a', 0xE2, 0x80]).IsOk);
        Assert.IsTrue(poem.Write([0xAE, 0x1B, 0xC2]).IsOk);
        Assert.IsTrue(poem.Commit().IsOk);
        Assert.AreEqual("a\\u202E\\x1B\\xC2", Shown());
    }

    [TestMethod]
    public void StandardOutput_ReaderGone_IsNoProblemToTell()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.Write("poem"u8).IsOk);
        _error = Errno.EPIPE;
        OutputResult result = poem.Commit();
        Assert.IsFalse(result.IsOk);
        Assert.IsTrue(result.ReaderIsGone);
        Assert.IsNull(result.Problem);
    }

    [TestMethod]
    public void StandardOutput_DiskFull_IsToldInTheWordsOfTheSystem()
    {
        StandardOutputPoem poem = Poem();
        Assert.IsTrue(poem.Write("poem"u8).IsOk);
        _error = Errno.ENOSPC;
        Assert.AreEqual("cannot write standard output: no space left on device", poem.Commit().Problem);
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
