using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get --output: a file appears whole, by rename, or not at all.</summary>
[TestClass]
public sealed class GetOutputTests : NativeTests
{
    [TestMethod]
    public void Get_OutputFile_HoldsThePoem()
    {
        NativeBinary server = ServePoem(LongPoem);
        Finished finished = Run("get", "--output", "got.txt", $"{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        AssertFile("got.txt", LongPoem);
    }

    [TestMethod]
    public void Get_OutputFileThatExists_IsReplacedWhole()
    {
        _ = Folder.Write("got.txt", LongPoem);
        FaultServer server = Own(FaultServer.Sending(Poem));
        Assert.AreEqual(0, Run("get", "--output=got.txt", server.Address).ExitCode);
        AssertFile("got.txt", Poem);
    }

    [TestMethod]
    [DataRow("-o")]
    [DataRow("--output")]
    public void Get_OutputDash_IsStandardOutput(string option)
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        Finished finished = Run("get", "--quiet", option, "-", server.Address, server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. Poem], "standard output");
        Assert.IsEmpty(Folder.Names, string.Join(' ', Folder.Names));
    }

    [TestMethod]
    public void Get_OutputDotSlashDash_IsAFile()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        Finished finished = Run("get", "--quiet", "-o", "./-", server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        AssertFile("-", Poem);
    }

    /// <summary>In a directory there is no order to wait for: what has come is there, whatever happens to the others.</summary>
    [TestMethod]
    public void Get_OutputDirectoryAndWait_WritesEachAsItComes()
    {
        _ = Directory.CreateDirectory(Folder["poems"]);
        FaultServer fast = Own(FaultServer.Sending(Poem));
        FaultServer slow = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--wait", "--output", "poems", slow.Address, fast.Address));
        Assert.IsTrue(
            SpinWait.SpinUntil(() => File.Exists(Folder[$"poems/127.0.0.1_{fast.Port}.txt"]), Patience.Milliseconds),
            "it waits for the other one");
        get.Signal(Posix.SIGTERM);
        Assert.AreEqual(143, get.WaitForExit().ExitCode);
        AssertFile($"poems/127.0.0.1_{fast.Port}.txt", Poem);
        Assert.HasCount(1, Directory.GetFileSystemEntries(Folder["poems"]));
    }

    [TestMethod]
    public void Get_OutputDirectory_HasAFileForEachServer()
    {
        _ = Directory.CreateDirectory(Folder["poems"]);
        FaultServer first = Own(FaultServer.Sending(Poem));
        FaultServer second = Own(FaultServer.Sending(LongPoem));
        Finished finished = Run("get", "--output", "poems", first.Address, $"localhost:{second.Port}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        AssertFile($"poems/127.0.0.1_{first.Port}.txt", Poem);
        AssertFile($"poems/localhost_{second.Port}.txt", LongPoem);
        Assert.HasCount(2, Directory.GetFileSystemEntries(Folder["poems"]));
    }

    [TestMethod]
    public void Get_Output_DoesNotAppearBeforeItIsWhole()
    {
        using var go = new ManualResetEvent(false);
        FaultServer server = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        NativeBinary get = Start(new Launch("get", "--progress", "lines", "--output", "got.txt", server.Address));
        get.Errors.WaitForText("Task 1: got ");
        Assert.IsFalse(File.Exists(Folder["got.txt"]), "a part of a poem has the name of the whole");
        _ = go.Set();
        Assert.AreEqual(0, get.WaitForExit().ExitCode);
        AssertFile("got.txt", Poem);
    }

    [TestMethod]
    public void Get_OutputAndAReset_LeavesWhatWasThere()
    {
        _ = Folder.Write("got.txt", "as it was");
        FaultServer server = Own(FaultServer.Resetting(Poem));
        Assert.AreEqual(1, Run("get", "--output", "got.txt", server.Address).ExitCode);
        AssertFile("got.txt", "as it was"u8.ToArray());
        Assert.HasCount(1, Folder.Names, string.Join(' ', Folder.Names));
    }

    [TestMethod]
    public void Get_OutputAndInterrupted_LeavesNothing()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--progress", "lines", "--output", "got.txt", server.Address));
        get.Errors.WaitForText("Task 1: got ");
        get.Signal(Posix.SIGINT);
        Assert.AreEqual(130, get.WaitForExit().ExitCode);
        Assert.IsEmpty(Folder.Names, string.Join(' ', Folder.Names));
    }

    /// <summary>A reader that does not read holds up the write, and with it the loop that signals are brought to.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Get_WhoseReaderDoesNotRead_EndsOnASignal(int poems)
    {
        byte[] longPoem = new byte[1 << 20];
        FaultServer server = Own(FaultServer.Sending(longPoem));
        Posix.MakeFifo(Folder["stuck"]);

        // Open at both ends, so that open does not block.
        using var reader = new FileStream(Folder["stuck"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        string[] addresses = [.. Enumerable.Repeat(server.Address, poems)];
        NativeBinary get = Start(new Launch(["get", "--progress", "none", "--wait", .. addresses]) { Redirection = "> stuck" });
        Assert.AreEqual(0, reader.ReadByte());
        get.Signal(Posix.SIGINT);
        Assert.AreEqual(130, get.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Get_OutputDirectoryAndOneServerDown_HasTheOthers()
    {
        _ = Directory.CreateDirectory(Folder["poems"]);
        FaultServer good = Own(FaultServer.Sending(Poem));
        FaultServer bad = Own(FaultServer.Resetting(Poem));
        Assert.AreEqual(1, Run("get", "--output", "poems", bad.Address, good.Address).ExitCode);
        AssertFile($"poems/127.0.0.1_{good.Port}.txt", Poem);
        Assert.HasCount(1, Directory.GetFileSystemEntries(Folder["poems"]));
    }

    [TestMethod]
    public void Get_OutputWhereNothingCanBeWritten_FailsInOneLine()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        Finished finished = Run("get", "--quiet", "--output", "nosuch/got.txt", server.Address);
        AssertNotWritten(finished, "nosuch/got.txt");
    }

    [TestMethod]
    public void Get_OutputOnAFullDisk_FailsAndLeavesNothing()
    {
        FaultServer server = Own(FaultServer.Sending(LongPoem));

        // A file may not grow beyond 64 blocks of 512 bytes: the kernel says EFBIG instead of ENOSPC, and as firmly.
        Finished finished = Run(new Launch("get", "--quiet", "--output", "got.txt", server.Address)
        {
            Before = "trap '' XFSZ; ulimit -f 64;",
        });
        AssertNotWritten(finished, "got.txt");
        Assert.IsEmpty(Folder.Names, string.Join(' ', Folder.Names));
    }

    /// <summary>A file that can't be written costs its own poem, like every failure.</summary>
    private static void AssertNotWritten(Finished finished, string name)
    {
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.Contains($"cannot write {name}: ", finished.Errors);
        Assert.IsEmpty(finished.Bytes);
    }

    private void AssertFile(string name, byte[] poem) =>
        new Delivery(File.ReadAllBytes(Folder[name]), WasReset: false).AssertIs(poem, name);
}
