using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Little memory, and clients that want more of a transform server than there is: none of them ends it.</summary>
[TestClass]
[DoNotParallelize]
public sealed class TransformMemoryTests : NativeTests
{
    private const int Mebibyte = 1024 * 1024;

    /// <summary>Each sends the first half of a megabyte, and all of them the rest after that: one after the other is let in.</summary>
    [TestMethod]
    [DataRow(48, null)]
    [DataRow(128, null)]
    [DataRow(null, 81_920)]
    [DataRow(null, 131_072)]
    public void LongRequests_ThatTogetherHaveNoRoom_AreAnswered(int? groupMebibytes, int? addressSpaceKiB)
    {
        NativeBinary server = StartLimited(groupMebibytes, addressSpaceKiB, "--log-level", "warn");
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a verse of this poem\n", 47_619)));
        byte[] request = [.. Encoding.ASCII.GetBytes($"{text.Length + 6}:shout."), .. text, (byte)','];
        byte[] answer = [.. Encoding.ASCII.GetBytes($"{text.Length}:"), .. text.Select(b => (byte)char.ToUpperInvariant((char)b)), (byte)','];
        Socket[] clients = [.. Enumerable.Range(0, 40).Select(_ => Own(Wire.Connect(server.Port())))];
        AtOnce(clients, client => _ = client.Send(request.AsSpan(0, request.Length / 2)));
        var deliveries = new Delivery[clients.Length];
        AtOnce(clients, client =>
        {
            _ = client.Send(request.AsSpan(request.Length / 2));
            deliveries[Array.IndexOf(clients, client)] = Wire.ReadToEnd(client);
        });
        foreach (Delivery delivery in deliveries)
        {
            delivery.AssertIs(answer);
        }

        AssertEndsWell(server);
    }

    /// <summary>Small requests that are never completed take no more than their part, and others are answered after them.</summary>
    [TestMethod]
    [DataRow(48, null)]
    [DataRow(null, 81_920)]
    public void ManySmallRequests_ThatTogetherHaveNoRoom_DoNotEndTheServer(int? groupMebibytes, int? addressSpaceKiB)
    {
        NativeBinary server = StartLimited(groupMebibytes, addressSpaceKiB, "--log-level", "error");
        byte[] start = Encoding.ASCII.GetBytes("4006:shout." + new string('x', 3000));
        var clients = new List<Socket>();
        for (int i = 0; i < 6000; i++)
        {
            Socket client = Own(Wire.Connect(server.Port()));
            _ = client.Send(start);
            clients.Add(client);
        }

        byte[] rest = Encoding.ASCII.GetBytes(new string('y', 1000) + ",");
        foreach (Socket client in clients.GetRange(0, 200))
        {
            _ = client.Send(rest);
            Assert.HasCount(4006, Wire.ReadToEnd(client).Bytes);
        }

        clients.ForEach(Wire.Reset);
        AssertEndsWell(server);
    }

    [TestMethod]
    public void AGroupThatIsTooSmall_IsRefusedInOneLine()
    {
        ControlGroup group = Own(ControlGroup.OfMemory(32 * Mebibyte));
        AssertFailed(Run(new Launch("transform") { Before = group.Join }), 1, "too little memory: the control group leaves ");
    }

    /// <summary>Before the runtime begins, which would end with a segmentation fault.</summary>
    [TestMethod]
    [DataRow(8_000, "help")]
    [DataRow(24_000, "serve poem.txt")]
    [DataRow(36_000, "get 1")]
    [DataRow(49_151, "transform")]
    public void AnAddressSpaceThatIsTooSmall_IsRefusedInOneLine(int addressSpaceKiB, string command) => AssertFailed(
        Run(new Launch(command.Split(' ')) { Before = $"ulimit -v {addressSpaceKiB};" }),
        1,
        $"poetry: too little memory: ulimit -v is {addressSpaceKiB}, 49152 are needed");

    /// <summary>The runtime reserves half of it, and starts all the same.</summary>
    [TestMethod]
    [DataRow(49_152)]
    [DataRow(61_440)]
    [DataRow(71_680)]
    public void ASmallAddressSpace_IsEnoughToStart(int addressSpaceKiB)
    {
        NativeBinary server = StartLimited(null, addressSpaceKiB, "--log-level", "error");
        using Socket client = Wire.Connect(server.Port());
        _ = client.Send("7:shout.a,"u8);
        Wire.ReadToEnd(client).AssertIs("1:A,"u8);
        AssertEndsWell(server);
    }

    /// <summary>What can't be transformed for want of memory is printed as it came.</summary>
    [TestMethod]
    public void Get_WithoutMemoryToTransform_PrintsThePoemAsItCame()
    {
        byte[] poem = MakePoem(30 * Mebibyte);
        _ = Folder.Write("long.txt", poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt"));
        NativeBinary transformer = Start(new Launch("transform", "--max-length", "0"));
        ControlGroup group = Own(ControlGroup.OfMemory(48 * Mebibyte));
        Finished finished = Run(new Launch(
            "get", "--quiet", "--transform", "shout", "--via", $"{transformer.Port()}", $"{upstream.Port()}")
        {
            Before = group.Join,
        });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.Contains("out of memory", finished.Errors);
        Assert.IsTrue(poem.AsSpan().SequenceEqual(finished.Bytes));
    }

    private static void AtOnce(Socket[] clients, Action<Socket> call)
    {
        Thread[] threads = [.. clients.Select(client => new Thread(() => call(client)) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    private static void AssertEndsWell(NativeBinary server)
    {
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual("", finished.Errors);
    }

    private NativeBinary StartLimited(int? groupMebibytes, int? addressSpaceKiB, params string[] options) =>
        Start(new Launch(["transform", .. options])
        {
            Before = groupMebibytes is { } mebibytes
                ? Own(ControlGroup.OfMemory((long)mebibytes * Mebibyte)).Join
                : $"ulimit -v {addressSpaceKiB};",
        });
}
