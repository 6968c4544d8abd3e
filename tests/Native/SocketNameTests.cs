using System.Net;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Sockets of systemd that are found by their names.</summary>
[TestClass]
[DoNotParallelize]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
public sealed class SocketNameTests : NativeTests
{
    private const string List = "list.conf";

    private static readonly byte[] Other = MakePoem(700);

    [TestInitialize]
    public void WritePoems()
    {
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", Other);
    }

    [TestMethod]
    [DataRow("1")]
    [DataRow("2")]
    public void AList_TakesSocketsByName_AndBindsTheRest(string workers)
    {
        using Socket first = Listen(out int firstPort);
        using Socket second = Listen(out int secondPort);
        using Socket third = Listen(out int thirdPort);
        _ = Folder.Write(List, "fd:a=a.txt\nfd:b=b.txt\n0=a.txt\n");
        NativeBinary server = StartWith("b:a:b", [first, second, third], "serve", "--workers", workers, "--file", List);
        string[] ready = server.Output.WaitForLines(4);
        Assert.AreEqual($"Serving a.txt on 127.0.0.1:{secondPort}.", ready[0]);
        Assert.AreEqual($"Serving b.txt on 127.0.0.1:{firstPort}.", ready[1]);
        Assert.AreEqual($"Serving b.txt on 127.0.0.1:{thirdPort}.", ready[2]);
        Wire.Fetch(firstPort).AssertIs(Other);
        Wire.Fetch(secondPort).AssertIs(Poem);
        Wire.Fetch(thirdPort).AssertIs(Other);
        Wire.Fetch(server.Port(3)).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    [TestMethod]
    public void Arguments_NameSocketsToo()
    {
        using Socket first = Listen(out int firstPort);
        using Socket second = Listen(out int secondPort);
        NativeBinary upstream = ServePoem(Poem);
        NativeBinary server = StartWith("b:a", [first, second], "serve", "fd:a=a.txt", "fd:b=b.txt");
        _ = server.Output.WaitForLines(2);
        Wire.Fetch(firstPort).AssertIs(Other);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);

        _ = Folder.Write(List, $"fd:b={upstream.Port()}\n");
        NativeBinary proxy = StartWith("b", [second], "proxy", "--file", List);
        _ = proxy.Output.WaitForLines(1);
        Wire.Fetch(secondPort).AssertIs(Poem);
    }

    [TestMethod]
    [DataRow("fd:a=a.txt\nfd:c=b.txt\n", "cannot listen on fd:c: systemd passed no socket of this name (it passed: a, b)")]
    [DataRow("fd:a=a.txt\n", "cannot listen on fd:b: systemd passed this socket, and nothing is served on it")]
    public void ANameWithoutASocket_OrASocketWithoutALine_IsRefused(string list, string problem)
    {
        using Socket first = Listen(out _);
        using Socket second = Listen(out _);
        _ = Folder.Write(List, list);
        AssertFailed(StartWith("a:b", [first, second], "serve", "--file", List).WaitForExit(), 1, $"poetry: {problem}\n");
    }

    [TestMethod]
    public void WithoutSystemd_ANameIsRefused()
    {
        AssertFailed(Run("serve", "fd:a=a.txt"), 1, "cannot listen on fd:a: systemd passed no socket of this name (it passed: none)\n");
        AssertFailed(Run("serve", "fd:=a.txt"), 2, "there is no name after 'fd:'");
        AssertFailed(Run("serve", "fd:a=a.txt", "fd:a=b.txt"), 2, "two poems on fd:a");
        _ = Folder.Write(List, "fd:a=a.txt\nfd:a=b.txt\n");
        AssertFailed(Run("serve", "--file", List), 2, "line 2: fd:a is in line 1 already");
    }

    /// <summary>SIGHUP gives a socket another poem and leaves the other alone; a list with a mistake changes nothing.</summary>
    [TestMethod]
    public void SIGHUP_KeepsTheSockets()
    {
        using Socket first = Listen(out int firstPort);
        using Socket second = Listen(out int secondPort);
        _ = Folder.Write("long.txt", LongPoem);
        _ = Folder.Write(List, "fd:a=long.txt\nfd:b=b.txt\n");
        NativeBinary server = StartWith("a:b", [first, second], "serve", "--file", List);
        _ = server.Output.WaitForLines(2);
        using Socket inFlight = Wire.Connect(firstPort, 4096);
        byte[] start = Wire.ReadExactly(inFlight, 10);

        _ = Folder.Write(List, "fd:a=a.txt\nfd:b=b.txt\nfd:c=b.txt\n");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("keeping the old listeners: cannot listen on fd:c: ");
        _ = Folder.Write(List, "fd:b=b.txt\n");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("keeping the old listeners: cannot listen on fd:a: ");
        Wire.Fetch(firstPort).AssertIs(LongPoem);

        for (int round = 0; round < 3; round++)
        {
            (string poem, byte[] bytes) = round % 2 == 0 ? ("a.txt", Poem) : ("b.txt", Other);
            _ = Folder.Write(List, $"fd:a={poem}\nfd:b=b.txt\n");
            int from = server.Errors.Text.Length;
            server.Signal(Posix.SIGHUP);
            server.Errors.WaitForText($"listener changed: Serving {poem} on 127.0.0.1:{firstPort}", from);
            Wire.Fetch(firstPort).AssertIs(bytes);
            Wire.Fetch(secondPort).AssertIs(Other);
        }

        Assert.IsTrue(LongPoem.AsSpan().SequenceEqual((byte[])[.. start, .. Wire.ReadToEnd(inFlight).Bytes]));
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsFalse(Wire.IsRefused(firstPort), "the socket is systemd's, and goes on queueing clients");
    }

    private static Socket Listen(out int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        return listener;
    }

    private NativeBinary StartWith(string names, Socket[] sockets, params string[] arguments) =>
        Own(Activation.Start(new Launch(arguments) { Folder = Folder.Path }, names, sockets));
}
