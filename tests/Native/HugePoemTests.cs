using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// A poem that no memory holds: a file of nothing but a hole, which costs no disk. The kernel would promise the memory, and
/// end the process, or another one, when the promise is called in.
/// </summary>
[TestClass]
public sealed class HugePoemTests : NativeTests
{
    private const long Huge = 8L << 40;

    /// <summary>So much address space for a process that would otherwise fill the machine if the test fails.</summary>
    private const string Guard = "ulimit -v 8388608;";

    [TestMethod]
    [DataRow("serve", Guard)]
    [DataRow("serve", null)]
    [DataRow("slow-serve", null)]
    public void Serve_AFileLargerThanMemory_SaysSoInOneLine(string command, string? before)
    {
        MakeHuge("huge.txt");
        AssertFailed(Run(new Launch(command, "huge.txt") { Before = before }), 1, "cannot read huge.txt: out of memory");
        AssertFailed(Run(new Launch(command, "--netstring", "huge.txt") { Before = before }), 1, "cannot read huge.txt: out of memory");
    }

    [TestMethod]
    public void Serve_InputWithoutEnd_SaysSoInOneLine()
    {
        Finished finished = Run(new Launch("serve", "-") { Before = "ulimit -v 1048576;", Redirection = "</dev/zero" });
        AssertFailed(finished, 1, "cannot read standard input: out of memory");
    }

    [TestMethod]
    public void Hangup_TheFileHasBecomeHuge_KeepsTheOldPoem()
    {
        NativeBinary server = ServePoem(Poem);
        MakeHuge("poem.txt");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("keeping the old poem: cannot read poem.txt: out of memory", 0);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    private void MakeHuge(string name)
    {
        try
        {
            using var file = new FileStream(Folder[name], FileMode.Create);
            file.SetLength(Huge);
        }
        catch (IOException exception)
        {
            Assert.Inconclusive($"this file system has no files of 8 TiB: {exception.Message}");
        }
    }
}
