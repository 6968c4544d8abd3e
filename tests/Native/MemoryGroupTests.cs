using System.Net;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// In a control group with little memory, as containers and services are limited. The kernel kills a process that takes
/// more, so none may. What does not fit fails with one line, and everything else goes on.
/// </summary>
[TestClass]
public sealed class MemoryGroupTests : NativeTests
{
    private const int Mebibyte = 1024 * 1024;

    [TestMethod]
    public void Reload_WithoutRoomForASecondPoem_KeepsTheFirst()
    {
        ControlGroup group = Own(ControlGroup.OfMemory(64 * Mebibyte));
        byte[] poem = MakePoem(36 * Mebibyte);
        _ = Folder.Write("poem.txt", poem);
        NativeBinary server = Start(new Launch("serve", "poem.txt") { Before = group.Join });
        Wire.Fetch(server.Port()).AssertIs(poem);
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("out of memory");
        Wire.Fetch(server.Port()).AssertIs(poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow(100)]
    [DataRow(70)]
    public void Serve_APoemThatHasNoRoom_SaysSo(int mebibytes)
    {
        ControlGroup group = Own(ControlGroup.OfMemory(64 * Mebibyte));
        _ = Folder.Write("poem.txt", new byte[mebibytes * Mebibyte]);
        AssertFailed(Run(new Launch("serve", "poem.txt") { Before = group.Join }), 1);
        AssertFailed(Run(new Launch("serve", "-") { Before = group.Join, Redirection = "<poem.txt" }), 1);
    }

    [TestMethod]
    public void Serve_SeveralThatHaveRoomOnlyAlone_SaysSo()
    {
        ControlGroup group = Own(ControlGroup.OfMemory(64 * Mebibyte));
        foreach (string name in (string[])["a.txt", "b.txt", "c.txt"])
        {
            _ = Folder.Write(name, new byte[30 * Mebibyte]);
        }

        AssertFailed(Run(new Launch("serve", "0=a.txt", "0=b.txt", "0=c.txt") { Before = group.Join }), 1);
    }

    [TestMethod]
    public void Get_APoemThatHasNoRoom_FailsForThatAlone()
    {
        ControlGroup group = Own(ControlGroup.OfMemory(48 * Mebibyte));
        _ = Folder.Write("long.txt", new byte[100 * Mebibyte]);
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt", "0=poem.txt"));
        _ = upstream.Output.WaitForLines(2);
        Finished finished = Run(new Launch("get", "--quiet", $"{upstream.Port(0)}", $"{upstream.Port(1)}") { Before = group.Join });
        Assert.AreEqual($"Task 1: 127.0.0.1:{upstream.Port(0)}: out of memory\n", finished.Errors);
        Assert.IsTrue(Poem.AsSpan().SequenceEqual(finished.Bytes));
    }

    /// <summary>It is shorter than twice what could be had, and longer than half of that.</summary>
    [TestMethod]
    public void Get_APoemThatHasRoom_IsWhole()
    {
        ControlGroup group = Own(ControlGroup.OfMemory(96 * Mebibyte));
        byte[] poem = MakePoem(52_428_800);
        _ = Folder.Write("poem.txt", poem);
        NativeBinary upstream = Start(new Launch("serve", "0=poem.txt"));
        Finished finished = Run(new Launch("get", "--quiet", $"{upstream.Port()}") { Before = group.Join });
        Assert.AreEqual("", finished.Errors);
        Assert.IsTrue(poem.AsSpan().SequenceEqual(finished.Bytes));
    }

    /// <summary>By default a proxy keeps no more than half of what there is, and the rest passes; so too while a client stalls.</summary>
    [TestMethod]
    public void Proxy_OfMoreThanThereIsRoomFor_KeepsLess()
    {
        const int Poems = 4;
        ControlGroup group = Own(ControlGroup.OfMemory(64 * Mebibyte));
        byte[] poem = MakePoem(20 * Mebibyte);
        _ = Folder.Write("poem.txt", poem);
        NativeBinary upstream = Start(new Launch("serve", "0=poem.txt", "0=poem.txt", "0=poem.txt", "0=poem.txt"));
        _ = upstream.Output.WaitForLines(Poems);
        NativeBinary proxy = Start(new Launch(
            "proxy", $"0={upstream.Port(0)}", $"0={upstream.Port(1)}", $"0={upstream.Port(2)}", $"0={upstream.Port(3)}")
        {
            Before = group.Join,
        });
        _ = proxy.Output.WaitForLines(Poems);
        Wire.Fetch(proxy.Port(0)).AssertIs(poem);
        Socket stalled = Own(Wire.Connect(proxy.Port(0), receiveBufferBytes: 4096));
        _ = Wire.ReadExactly(stalled, 1);
        for (int i = 0; i < 2 * Poems; i++)
        {
            Wire.Fetch(proxy.Port(i % Poems)).AssertIs(poem);
        }

        stalled.Dispose();
        proxy.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
    }

    /// <summary>
    /// They all run out of memory at about the same time. What each had read before it failed, and the garbage of its failure,
    /// were asked for too late or not at all.
    /// </summary>
    [TestMethod]
    public void Get_ManyPoemsThatTogetherHaveNoRoom_IsNotKilled()
    {
        const int Poems = 900;
        ControlGroup group = Own(ControlGroup.OfMemory(48 * Mebibyte));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Folder["poems.sock"]));
        listener.Listen(Poems);
        string[] addresses = new string[Poems];
        Array.Fill(addresses, "unix:poems.sock");
        NativeBinary get = Start(new Launch(["get", "--quiet", .. addresses]) { Before = group.Join });
        var upstreams = new Socket[Poems];
        for (int i = 0; i < Poems; i++)
        {
            upstreams[i] = Own(listener.Accept());
            _ = upstreams[i].Send(MakePoem(20 * 1024));
        }

        get.Signal(Posix.SIGSTOP);
        byte[] more = MakePoem(Mebibyte);
        foreach (Socket upstream in upstreams)
        {
            upstream.Blocking = false;
            _ = upstream.Send(more, SocketFlags.None, out SocketError _);
        }

        get.Signal(Posix.SIGCONT);
        get.Errors.WaitForText("out of memory");
        foreach (Socket upstream in upstreams)
        {
            upstream.Dispose();
        }

        Assert.AreEqual(1, get.WaitForExit().ExitCode);
    }

    /// <summary>The first byte of a huge page takes all of it.</summary>
    [TestMethod]
    [DataRow(48, 17)]
    [DataRow(160, 70)]
    public void Proxy_ManyPoemsThatTogetherHaveNoRoom_IsNotKilled(int mebibytes, int poems)
    {
        ControlGroup group = Own(ControlGroup.OfMemory(mebibytes * Mebibyte));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen(poems);
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        string[] upstreamAddresses = [.. Enumerable.Range(2, poems).Select(i => $"0=127.0.0.{i}:{port}")];
        NativeBinary proxy = Start(new Launch(["proxy", "--max-cache", "1GiB", .. upstreamAddresses]) { Before = group.Join });
        _ = proxy.Output.WaitForLines(poems);
        var upstreams = new Socket[poems];
        for (int i = 0; i < poems; i++)
        {
            _ = Own(Wire.Connect(proxy.Port(i), receiveBufferBytes: 4096));
            upstreams[i] = Own(listener.Accept());
        }

        byte[] begin = MakePoem(2_150_400);
        foreach (Socket upstream in upstreams)
        {
            upstream.SendTimeout = Patience.Milliseconds;
            _ = upstream.Send(begin, SocketFlags.None, out SocketError _);
        }

        byte[] rest = new byte[4 * Mebibyte];
        Task[] sending = [.. upstreams.Select(upstream => upstream.SendAsync(rest))];
        _ = SpinWait.SpinUntil(() => sending.All(task => task.IsCompleted), Patience.Milliseconds);
        foreach (Socket upstream in upstreams)
        {
            Wire.Reset(upstream);
        }

        proxy.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
    }
}
