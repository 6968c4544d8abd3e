using System.Globalization;
using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>Poems read from real files, complete or not at all, and their references.</summary>
[TestClass]
public sealed class PoemReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(9)]
    [DataRow(10)]
    [DataRow(65_535)]
    [DataRow(65_536)]
    [DataRow(1_000_000)]
    public void TryRead_AFile_IsItsBytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        string file = _folder.Write("poem.txt", bytes);

        Poem poem = Read(file, PoemFormat.Plain);
        CollectionAssert.AreEqual(bytes, Wire(poem));
        Assert.AreEqual(length, poem.Length);
        Assert.AreEqual(length, poem.WireLength);
        poem.Release();

        Poem framed = Read(file, PoemFormat.Netstring);
        byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length}:"));
        CollectionAssert.AreEqual((byte[])[.. head, .. bytes, (byte)','], Wire(framed));
        Assert.AreEqual(length, framed.Length);
        Assert.AreEqual(head.Length + length + 1, framed.WireLength);
        framed.Release();
    }

    [TestMethod]
    public void TryRead_NoSuchFile_IsWrongUsage() =>
        AssertProblem(_folder["nofile"], $"no such file: {_folder["nofile"]}", isWrongUsage: true);

    [TestMethod]
    public void TryRead_BelowAFile_IsWrongUsage()
    {
        string path = Path.Combine(_folder.Write("poem.txt", "a poem"), "below");
        AssertProblem(path, $"no such file: {path}", isWrongUsage: true);
    }

    [TestMethod]
    public void TryRead_ADirectory_IsWrongUsage() =>
        AssertProblem(_folder.Path, $"{_folder.Path} is a directory, not a poem", isWrongUsage: true);

    [TestMethod]
    public void TryRead_AFifo_IsRefusedWithoutWaitingForAWriter()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("there are no FIFOs on Windows");
        }

        string fifo = _folder["fifo"];
        Posix.MakeFifo(fifo);
        AssertProblem(fifo, $"{fifo} is no regular file; to serve what it yields, pipe it in and name -", isWrongUsage: true);
    }

    [TestMethod]
    public void TryRead_AFileThatMayNotBeRead_IsNoWrongUsage()
    {
        string file = _folder.Write("poem.txt", "a poem");
        if (OperatingSystem.IsWindows() || Posix.IsRoot)
        {
            Assert.Inconclusive("the user of this test may read everything");
        }
        else
        {
            File.SetUnixFileMode(file, UnixFileMode.None);
        }

        AssertProblem(file, $"cannot read {file}: permission denied", isWrongUsage: false);
    }

    [TestMethod]
    public void TryRead_ADevice_IsRefused()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("/dev/zero is Linux's");
        }

        Assert.IsNull(PoemReader.TryRead("/dev/zero", PoemFormat.Plain, out PoemProblem problem));
        Assert.IsTrue(problem.IsWrongUsage);
    }

    [TestMethod]
    public void Release_OfTheLastReference_FreesThePoem()
    {
        Poem poem = Read(_folder.Write("poem.txt", "a poem"), PoemFormat.Plain);
        Assert.IsTrue(poem.TryAddRef());
        poem.Release();
        Assert.AreEqual("a poem", Encoding.UTF8.GetString(Wire(poem)));
        poem.Release();
        Assert.IsFalse(poem.TryAddRef());
    }

    [TestMethod]
    public void Reload_TheFileHasChanged_NewReferencesAreToTheNewPoem()
    {
        string file = _folder.Write("poem.txt", "the old one");
        PoemSource source = PoemSource.TryOpen(file, PoemFormat.Plain, out _)!;
        Poem old = source.Acquire();
        _ = _folder.Write("poem.txt", "the new one, which is longer");
        Assert.AreEqual(default, Reload(source));
        Poem renewed = source.Acquire();
        Assert.AreEqual("the old one", Encoding.UTF8.GetString(Wire(old)));
        Assert.AreEqual("the new one, which is longer", Encoding.UTF8.GetString(Wire(renewed)));
        old.Release();
        Assert.IsFalse(old.TryAddRef(), "the old one has no references any more");
        renewed.Release();
    }

    [TestMethod]
    public void Reload_TheFileIsGone_TheOldPoemStays()
    {
        string file = _folder.Write("poem.txt", "a poem");
        PoemSource source = PoemSource.TryOpen(file, PoemFormat.Netstring, out _)!;
        File.Delete(file);
        PoemProblem problem = Reload(source);
        Assert.AreEqual($"no such file: {file}", problem.Sentence);
        Poem poem = source.Acquire();
        Assert.AreEqual("6:a poem,", Encoding.UTF8.GetString(Wire(poem)));
        poem.Release();
    }

    [TestMethod]
    public void TryOpen_NoSuchFile_IsNoSource()
    {
        Assert.IsNull(PoemSource.TryOpen(_folder["nofile"], PoemFormat.Plain, out PoemProblem problem));
        Assert.AreEqual($"no such file: {_folder["nofile"]}", problem.Sentence);
    }

    /// <summary>
    /// Threads acquire and release the present poem while another replaces it again and again: every poem is complete, and of
    /// one kind.
    /// </summary>
    [TestMethod]
    public void Acquire_WhileAnotherThreadReloads_IsAlwaysACompletePoem()
    {
        string file = _folder.Write("poem.txt", new string('a', 5000));
        PoemSource source = PoemSource.TryOpen(file, PoemFormat.Plain, out _)!;
        bool isOver = false;
        int broken = 0;
        var readers = new Thread[3];
        for (int i = 0; i < readers.Length; i++)
        {
            readers[i] = new Thread(() =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    Poem poem = source.Acquire();
                    ReadOnlySpan<byte> bytes = poem.Parts[0].Span;
                    if (bytes.Length != 5000 || bytes.ContainsAnyExcept(bytes[0]))
                    {
                        _ = Interlocked.Increment(ref broken);
                    }

                    poem.Release();
                }
            });
            readers[i].Start();
        }

        for (int i = 0; i < 100; i++)
        {
            _ = _folder.Write("poem.txt", new string((char)('a' + (i % 26)), 5000));
            Assert.AreEqual(default, Reload(source));
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(readers, reader => reader.Join());
        Assert.AreEqual(0, broken);
    }

    private static PoemProblem Reload(PoemSource source)
    {
        var clock = new ManualClock();
        PoemProblem? problem = null;
        _ = source.Reload(clock).AddCallback(got => problem = got);
        while (problem is null)
        {
            clock.Advance(PoemReader.Pause);
        }

        return problem.Value;
    }

    private static Poem Read(string file, PoemFormat format)
    {
        Poem? poem = PoemReader.TryRead(file, format, out PoemProblem problem);
        Assert.IsNotNull(poem, problem.Sentence);
        return poem;
    }

    private static byte[] Wire(Poem poem)
    {
        using var wire = new MemoryStream();
        foreach (ReadOnlyMemory<byte> part in poem.Parts)
        {
            wire.Write(part.Span);
        }

        return wire.ToArray();
    }

    private static void AssertProblem(string name, string sentence, bool isWrongUsage)
    {
        Assert.IsNull(PoemReader.TryRead(name, PoemFormat.Plain, out PoemProblem problem));
        Assert.AreEqual(sentence, problem.Sentence);
        Assert.AreEqual(isWrongUsage, problem.IsWrongUsage);
    }
}
