using System.Diagnostics;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class PoemFileTests
{
    private readonly string _directory = Directory.CreateTempSubdirectory("poetry-").FullName;

    [TestCleanup]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [TestMethod]
    public void Commit_PoemAppearsWholeAndOnlyThen()
    {
        string path = In("poem.txt");
        PoemFile file = Create(path);
        Assert.AreEqual(Errno.None, file.Write("half "u8));
        Assert.IsFalse(File.Exists(path));
        Assert.IsFalse(file.HasShown);
        Assert.AreEqual(Errno.None, file.Write("and half"u8));
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("half and half", File.ReadAllText(path));
        Assert.AreEqual("poem.txt", Names());
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Seal_HoldsNoDescriptorAndHasNoNameYet()
    {
        PoemFile kept = Create(In("poem.txt"));
        PoemFile dropped = Create(In("other.txt"));
        Assert.AreEqual(Errno.None, kept.Write("poem"u8));
        Assert.AreEqual(2, OpenFiles());
        Assert.AreEqual((Errno.None, Errno.None), (kept.Seal(), dropped.Seal()));
        Assert.AreEqual(0, OpenFiles());
        Assert.IsFalse(File.Exists(In("poem.txt")));
        Assert.AreEqual(Errno.None, kept.Commit());
        dropped.Abort();
        Assert.AreEqual("poem", File.ReadAllText(In("poem.txt")));
        Assert.AreEqual("poem.txt", Names());

        int OpenFiles() => Directory.GetFileSystemEntries("/proc/self/fd")
            .Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(_directory, StringComparison.Ordinal) == true);
    }

    [TestMethod]
    public void Abort_LeavesWhatWasThere()
    {
        string path = In("poem.txt");
        File.WriteAllText(path, "old");
        PoemFile file = Create(path);
        Assert.AreEqual(Errno.None, file.Write("new"u8));
        file.Abort();
        Assert.AreEqual("old", File.ReadAllText(path));
        Assert.AreEqual("poem.txt", Names());
    }

    [TestMethod]
    public void Commit_OverAnOldPoem_ReplacesIt()
    {
        string path = In("poem.txt");
        File.WriteAllText(path, "an old and longer poem");
        PoemFile file = Create(path);
        Assert.AreEqual(Errno.None, file.Write("new"u8));
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("new", File.ReadAllText(path));
    }

    [TestMethod]
    public void Commit_OverADirectory_IsAProblemAndLeavesNoTrace()
    {
        string path = In("poem.txt");
        PoemFile file = Create(path);
        Directory.CreateDirectory(path);
        Errno error = file.Commit();
        Assert.AreNotEqual(Errno.None, error);
        Assert.AreEqual($"cannot write {path}: {error.Sentence()}", PoemOutput.ProblemOf(file.Name, error));
        Assert.AreEqual("poem.txt", Names());
    }

    [TestMethod]
    public void TryCreate_NoDirectory_SaysSo()
    {
        string path = In("missing/poem.txt");
        Errno error = PoemFile.TryCreate(path, syncs: true, out PoemFile? file);
        Assert.IsNull(file);
        Assert.AreEqual($"cannot write {path}: no such file or directory", PoemOutput.ProblemOf(path, error));
    }

    [TestMethod]
    public void PathsIn_Mirrors_AreNamedAfterTheFirst()
    {
        var mirrors = new PoemMirrors(Endpoint.Tcp("a", 1), Endpoint.Tcp("b", 2));
        CollectionAssert.AreEqual((string[])["d/a_1.txt"], PoemFile.PathsIn("d", [mirrors]));
    }

    /// <summary>The target of a link is replaced, whether or not it is there, and the link stays.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Commit_OverALinkToAFile_ReplacesItsTarget(bool isThere)
    {
        _ = Directory.CreateDirectory(In("other"));
        _ = File.CreateSymbolicLink(In("middle"), "other/target");
        _ = File.CreateSymbolicLink(In("link"), In("middle"));
        if (isThere)
        {
            File.WriteAllText(In("other/target"), "an old and longer poem");
        }

        PoemFile file = Create(In("link"));
        Assert.AreEqual(Errno.None, file.Write("new"u8));
        Assert.IsFalse(file.HasShown);
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("new", File.ReadAllText(In("other/target")));
        Assert.AreEqual(In("middle"), new FileInfo(In("link")).LinkTarget);
        Assert.AreEqual("target", string.Join(' ', Directory.GetFileSystemEntries(In("other")).Select(Path.GetFileName)));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void TryCreate_LinkToADevice_IsWrittenToAndStays()
    {
        _ = File.CreateSymbolicLink(In("link"), "/dev/null");
        Assert.IsTrue(OutputPath.IsSpecial(In("link")));
        PoemFile file = Create(In("link"));
        Assert.AreEqual(Errno.None, file.Write("poem"u8));
        Assert.IsTrue(file.HasShown);
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("/dev/null", new FileInfo(In("link")).LinkTarget);
    }

    /// <summary>Files of a memory file system are files, wherever it is mounted.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Commit_InSharedMemory_ReplacesTheWholeFile()
    {
        string path = $"/dev/shm/poetry-test-{Environment.ProcessId}";
        try
        {
            File.WriteAllText(path, "an old and longer poem");
            PoemFile file = Create(path);
            Assert.AreEqual(Errno.None, file.Write("new"u8));
            Assert.IsFalse(file.HasShown);
            Assert.AreEqual(Errno.None, file.Commit());
            Assert.AreEqual("new", File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void IsSpecial_NamesOfDescriptors_EvenIfTheyLeadToFiles()
    {
        using FileStream open = File.Create(In("open"));
        _ = File.CreateSymbolicLink(In("link"), $"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}");
        Assert.IsTrue(OutputPath.IsSpecial(In("link")));
        Assert.IsTrue(OutputPath.IsSpecial("/dev/stdout"));
        Assert.IsFalse(OutputPath.IsSpecial(In("open")));
        Assert.IsFalse(OutputPath.IsSpecial(In("nosuch")));
    }

    [TestMethod]
    public void Check_NamesThatAFileCanHave_AreFine()
    {
        File.WriteAllText(In("poem.txt"), "old");
        _ = File.CreateSymbolicLink(In("directory"), _directory);
        Assert.AreEqual(Errno.None, OutputPath.Check(In("poem.txt")));
        Assert.AreEqual(Errno.None, OutputPath.Check(In("new.txt")));
        Assert.AreEqual(Errno.None, OutputPath.Check(In("directory/new.txt")));
        Assert.AreEqual(Errno.None, OutputPath.Check("new.txt"));
        Assert.AreEqual(Errno.ENOENT, OutputPath.Check(In("missing/poem.txt")));
        Assert.AreEqual(Errno.ENOTDIR, OutputPath.Check(In("poem.txt/poem.txt")));
        Assert.AreEqual(Errno.EISDIR, OutputPath.Check(In("directory")));
        Assert.AreEqual(Errno.ENAMETOOLONG, OutputPath.Check(In(new string('n', 256))));
    }

    [TestMethod]
    public void Check_CircleOfLinks_Ends()
    {
        _ = File.CreateSymbolicLink(In("one"), "two");
        _ = File.CreateSymbolicLink(In("two"), "one");
        Assert.IsFalse(OutputPath.IsSpecial(In("one")));
        _ = OutputPath.Check(In("one"));
    }

    [TestMethod]
    public void TryCreate_TwoAtOnce_DoNotMeet()
    {
        PoemFile one = Create(In("poem.txt"));
        PoemFile two = Create(In("poem.txt"));
        Assert.AreEqual(Errno.None, one.Write("one"u8));
        Assert.AreEqual(Errno.None, two.Write("two"u8));
        Assert.AreEqual(Errno.None, one.Commit());
        two.Abort();
        Assert.AreEqual("one", File.ReadAllText(In("poem.txt")));
        Assert.AreEqual("poem.txt", Names());
    }

    [TestMethod]
    public void TryCreate_NameTaken_TakesAnother()
    {
        TakeNames();
        PoemFile file = Create(In("poem.txt"));
        Assert.AreEqual(Errno.None, file.Write("poem"u8));
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("poem", File.ReadAllText(In("poem.txt")));
        AssertNamesAreTaken();
    }

    /// <summary>In a container every run has the same process ID, and finds the names that a killed one has left.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Undo_NameTaken_PutsTheOldPoemBack()
    {
        File.WriteAllText(In("poem.txt"), "old");
        PoemFile file = Create(In("poem.txt"));
        Assert.AreEqual(Errno.None, file.Write("new"u8));
        TakeNames();
        Assert.AreEqual(Errno.None, file.Prepare());
        Assert.AreEqual(Errno.None, file.Publish());
        Assert.AreEqual("new", File.ReadAllText(In("poem.txt")));
        Assert.IsNull(file.Undo());
        Assert.AreEqual("old", File.ReadAllText(In("poem.txt")));
        AssertNamesAreTaken();
    }

    [TestMethod]
    public void Commit_InThePlaceOfAnother_IsForTheSameEyes()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("files have no modes here");
            return;
        }

        string path = In("secret.txt");
        File.WriteAllText(path, "old");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        PoemFile file = Create(path);
        Assert.AreEqual(Errno.None, file.Write("new"u8));
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual("new", File.ReadAllText(path));
        Assert.AreEqual(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void TryCreate_Device_IsWrittenToAndNotReplaced()
    {
        PoemFile file = Create("/dev/null");
        Assert.AreEqual(Errno.None, file.Write("poem"u8));
        Assert.IsTrue(file.HasShown);
        Assert.AreEqual(Errno.None, file.Commit());
        Assert.AreEqual(FileKind.CharacterDevice, KindOf("/dev/null"));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Write_FullDevice_IsToldInTheWordsOfTheSystem()
    {
        PoemFile file = Create("/dev/full");
        Assert.AreEqual("cannot write /dev/full: no space left on device", PoemOutput.ProblemOf(file.Name, file.Write("poem"u8)));
        file.Abort();
        Assert.AreEqual(FileKind.CharacterDevice, KindOf("/dev/full"));
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void TryCreate_Pipe_IsWrittenToAndNotReplaced()
    {
        string path = In("pipe");
        using (Process process = Process.Start("mkfifo", [path]))
        {
            process.WaitForExit();
        }

        string read = string.Empty;
        var reader = new Thread(() => read = File.ReadAllText(path));
        reader.Start();
        PoemFile file = Create(path);
        Assert.AreEqual(Errno.None, file.Write("poem"u8));
        Assert.AreEqual(Errno.None, file.Commit());
        reader.Join();
        Assert.AreEqual("poem", read);
        Assert.AreEqual(FileKind.Fifo, KindOf(path));
    }

    [TestMethod]
    public void PathsIn_AreNamedAfterTheAddressAndStayInTheDirectory()
    {
        Endpoint[] addresses =
        [
            Endpoint.Tcp("127.0.0.1", 10001),
            Endpoint.Tcp("poems.example", 10002),
            Endpoint.Tcp("::1", 10003),
            Endpoint.Unix("/run/../a b.sock"),
            Endpoint.Tcp("127.0.0.1", 10001),
            Endpoint.Tcp("127.0.0.1", 10001),
            Endpoint.Tcp("Poems.Example", 10002),
        ];
        string[] expected =
        [
            "d/127.0.0.1_10001.txt", "d/poems.example_10002.txt", "d/_--1_10003.txt", "d/unix__run_.._a b.sock.txt",
            "d/127.0.0.1_10001.2.txt", "d/127.0.0.1_10001.3.txt", "d/Poems.Example_10002.2.txt",
        ];
        CollectionAssert.AreEqual(expected, PoemFile.PathsIn("d/", Array.ConvertAll(addresses, address => new PoemMirrors(address))));
    }

    private static PoemFile Create(string path)
    {
        Errno error = PoemFile.TryCreate(path, syncs: true, out PoemFile? file);
        Assert.AreEqual(Errno.None, error);
        return file!;
    }

    /// <summary>Temporary names count upwards: takes the next twenty, as a process that was killed might have left them.</summary>
    private void TakeNames()
    {
        PoemFile probe = Create(In("probe"));
        string name = Path.GetFileNameWithoutExtension(Directory.GetFiles(_directory, ".poetry-*").MaxBy(File.GetCreationTimeUtc))!;
        probe.Abort();
        int dash = name.LastIndexOf('-') + 1;
        int number = int.Parse(name[dash..], System.Globalization.CultureInfo.InvariantCulture);
        for (int i = 1; i <= 20; i++)
        {
            File.WriteAllText(In($"{name[..dash]}{number + i}.tmp"), "not ours");
        }
    }

    private void AssertNamesAreTaken() =>
        Assert.AreEqual(20, Directory.GetFiles(_directory, ".poetry-*").Count(f => File.ReadAllText(f) == "not ours"));

    private static FileKind KindOf(string path)
    {
        Assert.AreEqual(Errno.None, NativeFile.StatusOf(path, out FileStatus status));
        return status.Kind;
    }

    private string In(string name) => Path.Join(_directory, name);

    private string Names() => string.Join(' ', Directory.GetFileSystemEntries(_directory).Select(Path.GetFileName));
}
