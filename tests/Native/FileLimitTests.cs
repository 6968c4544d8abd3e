using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Files that may not grow (ulimit -f): as a full disk, and no reason to die of a signal.</summary>
[TestClass]
public sealed class FileLimitTests : NativeTests
{
    /// <summary>One block: 512 bytes or 1024, as the shell counts.</summary>
    private const string OneBlock = "ulimit -f 1;";

    [TestMethod]
    public void Serve_WhoseLogMayNotGrow_ServesOn()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Serve(new Launch("poem.txt") { Before = OneBlock, Redirection = "2>log.txt" });
        for (int i = 0; i < 100; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsLessThanOrEqualTo(1024, new FileInfo(Folder["log.txt"]).Length);
    }

    /// <summary>A large poem lies in a file of memory, which may not grow either.</summary>
    [TestMethod]
    public void Serve_APoemThatIsLonger_IsServed()
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Serve(new Launch("poem.txt") { Before = OneBlock });
        Wire.Fetch(server.Port()).AssertIs(LongPoem);
    }

    [TestMethod]
    public void Get_IntoAFileThatMayNotGrow_SaysSoAndLeavesNothing()
    {
        NativeBinary server = ServePoem(MakePoem(5000));
        Finished finished = Run(new Launch("get", "--quiet", "--output", "got.txt", $"{server.Port()}") { Before = OneBlock });
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.Contains("cannot write got.txt: file too large", finished.Errors);
        Assert.IsEmpty(Directory.GetFiles(Folder.Path).Select(Path.GetFileName).Where(name => name != "poem.txt"));
    }

    [TestMethod]
    public void Get_ToStandardOutputThatMayNotGrow_SaysSo()
    {
        NativeBinary server = ServePoem(MakePoem(5000));
        Finished finished = Run(new Launch("get", "--quiet", $"{server.Port()}") { Before = OneBlock, Redirection = ">got.txt" });
        AssertFailed(finished, 1, "standard output: file too large");
    }
}
