using System.IO;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Files whose names were given before UTF-8: bytes that are no text name them all the same, on Linux.</summary>
[TestClass]
public sealed class OldNameTests : NativeTests
{
    /// <summary>The shell makes the name, since no string of this runtime can be it: <c>caf\xE9.txt</c> in Latin-1.</summary>
    private const string Name = "name=$(printf 'caf\\351.txt'); ";

    [TestInitialize]
    public void NeedLinux()
    {
        if (!System.OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("elsewhere names are UTF-8, or UTF-16");
        }

        _ = Folder.Write("poem.txt", Poem);
    }

    /// <summary>The runtime of the tests can't name it, and so not remove it either.</summary>
    [TestCleanup]
    public void RemoveIt() => _ = ToolRun.Run(Folder.Path, "/bin/sh", "-c", Name + "rm -f \"$name\"");

    [TestMethod]
    public void Serve_AFileOfSuchAName_ServesItAndReloads()
    {
        byte[] changed = MakePoem(700);
        NativeBinary server = Start(new Launch("serve", "0=poem.txt") { Before = Name + "cp poem.txt \"$name\"; set -- \"$@\" \"$name\";" });
        Assert.StartsWith("Serving caf\\xE9.txt on ", server.Output.WaitForLines(2)[1]);
        Wire.Fetch(server.Port(1)).AssertIs(Poem);
        _ = Folder.Write("changed.txt", changed);
        _ = ToolRun.Run(Folder.Path, "/bin/sh", "-c", Name + "mv changed.txt \"$name\"");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded caf", 0);
        Wire.Fetch(server.Port(1)).AssertIs(changed);
    }

    [TestMethod]
    public void Serve_NoFileOfSuchAName_NamesIt() =>
        AssertFailed(Run(new Launch("serve") { Before = Name + "set -- \"$@\" \"$name\";" }), 2, "no such file: caf\\xE9.txt");

    [TestMethod]
    public void Get_IntoAFileOfSuchAName_WritesIt()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run(new Launch("get", $"{server.Port()}") { Before = Name + "set -- \"$@\" --output \"$name\";" });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        _ = ToolRun.Run(Folder.Path, "/bin/sh", "-c", Name + "mv \"$name\" written.txt");
        CollectionAssert.AreEqual(Poem, File.ReadAllBytes(Folder["written.txt"]));
    }

    [TestMethod]
    public void Serve_OnASocketOfSuchAName_CanBeFetchedThere()
    {
        NativeBinary server = Start(new Launch("serve") { Before = Name + "set -- \"$@\" unix:\"$name\"=poem.txt;" });
        Assert.AreEqual("Serving poem.txt on unix:caf\\xE9.txt.", server.Output.WaitForLines(1)[0]);
        Finished finished = Run(new Launch("get", "--quiet") { Before = Name + "set -- \"$@\" unix:\"$name\";" });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(Poem.Length, finished.Bytes.Length);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.HasCount(1, Folder.Names, "the socket was left behind");
    }
}
