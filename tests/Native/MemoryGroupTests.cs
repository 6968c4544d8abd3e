using System;
using System.Net.Sockets;
using Microsoft.VisualStudio.TestTools.UnitTesting;
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
}
