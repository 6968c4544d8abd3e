using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry serve on Unix sockets: what becomes of the file that a socket is known by.</summary>
[TestClass]
public sealed class ServeUnixTests : NativeTests
{
    private string SocketPath => Folder["poem.sock"];

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Serve_OnAUnixSocket_PrintsItsPathAndRemovesItAtTheEnd(string backend)
    {
        NativeBinary server = ServeUnix(backend);
        Assert.AreEqual("Serving poem.txt on unix:poem.sock.", server.Output.Lines[0]);
        Wire.Fetch(SocketPath).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsFalse(File.Exists(SocketPath), "the socket's file is still there");
    }

    [TestMethod]
    public void Serve_TcpAndUnixAtOnce_ServesBoth()
    {
        _ = Folder.Write("a.txt", Poem);
        NativeBinary server = Serve("unix:poem.sock=a.txt", "0=a.txt");
        _ = server.Output.WaitForLines(2);
        Wire.Fetch(SocketPath).AssertIs(Poem);
        Wire.Fetch(server.Port(1)).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_AStaleSocket_IsReplaced()
    {
        NativeBinary killed = ServeUnix("epoll");
        killed.Kill();
        Assert.IsTrue(File.Exists(SocketPath), "a killed server can't have removed it");
        _ = ServeUnix("epoll");
        Wire.Fetch(SocketPath).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_ASocketThatAnswers_IsLeftToItsOwner()
    {
        _ = ServeUnix("epoll");
        Finished second = Run("serve", "unix:poem.sock=poem.txt");
        AssertFailed(second, 1, "poem.sock");
        Wire.Fetch(SocketPath).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_AForeignFile_IsNeverTouched()
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write("poem.sock", "not a socket");
        AssertFailed(Run("serve", "unix:poem.sock=poem.txt"), 1, "poem.sock");
        Assert.AreEqual("not a socket", File.ReadAllText(SocketPath));
    }

    [TestMethod]
    public void Serve_ASocketReplacedByAnotherFile_LeavesThatAlone()
    {
        NativeBinary server = ServeUnix("epoll");
        File.Delete(SocketPath);
        _ = Folder.Write("poem.sock", "another program's");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.AreEqual("another program's", File.ReadAllText(SocketPath));
    }

    [TestMethod]
    public void Serve_APathTooLongForASocket_IsRefused()
    {
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run("serve", $"unix:{new string('x', 200)}=poem.txt");
        Assert.IsTrue(finished.ExitCode is 1 or 2, $"exit code {finished.ExitCode}");
        AssertFailed(finished, finished.ExitCode);
    }

    [TestMethod]
    public void Serve_AClientThatSpeaksFirstOnAUnixSocket_GetsEveryByte()
    {
        _ = ServeUnix("epoll");
        using Socket client = Wire.Connect(SocketPath);
        _ = client.Send("hello"u8);
        Wire.ReadToEnd(client).AssertIs(Poem);
    }

    [TestMethod]
    public void Get_FromAUnixSocket_PrintsThePoem()
    {
        _ = ServeUnix("epoll");
        Finished finished = Run("get", "--quiet", "unix:poem.sock");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(Encoding.UTF8.GetString(Poem), Encoding.UTF8.GetString(finished.Bytes));
    }

    private NativeBinary ServeUnix(string backend)
    {
        _ = Folder.Write("poem.txt", Poem);
        return Serve(new Launch("unix:poem.sock=poem.txt") { Environment = { ["POETRY_REACTOR"] = backend } });
    }
}
