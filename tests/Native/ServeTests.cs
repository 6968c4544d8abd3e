using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry serve: ready lines, listeners, and every byte of poems of every size.</summary>
[TestClass]
public sealed class ServeTests : NativeTests
{
    [TestMethod]
    public void Serve_OnePoem_PrintsExactlyOneReadyLineAndTheWholePoem()
    {
        NativeBinary server = ServePoem(Poem, "--port", "0");
        int port = server.Port();
        Wire.Fetch(port).AssertIs(Poem);
        Wire.Fetch(port).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual($"Serving poem.txt on 127.0.0.1:{port}.\n", Encoding.UTF8.GetString(finished.Bytes));
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    [TestMethod]
    public void Serve_WithoutPort_TakesAFreeOneEachTime()
    {
        NativeBinary first = ServePoem(Poem);
        NativeBinary second = ServePoem(Poem);
        Assert.AreNotEqual(first.Port(), second.Port());
        Wire.Fetch(first.Port()).AssertIs(Poem);
        Wire.Fetch(second.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_GivenPort_ListensThere()
    {
        int port = FaultServer.FreePort();
        NativeBinary server = ServePoem(Poem, $"--port={port}");
        Assert.AreEqual(port, server.Port());
        Wire.Fetch(port).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_OptionAfterTheFile_IsTheSame()
    {
        int port = FaultServer.FreePort();
        _ = Folder.Write("poem.txt", Poem);
        _ = Serve("poem.txt", "--port", $"{port}");
        Wire.Fetch(port).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_SeveralPoems_HaveAReadyLineAndAPortEach()
    {
        byte[] other = MakePoem(3000);
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", other);
        NativeBinary server = Serve("0=a.txt", "0=b.txt");
        string[] lines = server.Output.WaitForLines(2);
        Assert.AreEqual($"Serving a.txt on 127.0.0.1:{server.Port(0)}.", lines[0]);
        Assert.AreEqual($"Serving b.txt on 127.0.0.1:{server.Port(1)}.", lines[1]);
        Wire.Fetch(server.Port(0)).AssertIs(Poem);
        Wire.Fetch(server.Port(1)).AssertIs(other);
    }

    [TestMethod]
    public void Serve_InterfaceIPv6_ListensThere()
    {
        if (!Socket.OSSupportsIPv6 || !File.Exists("/proc/net/if_inet6") || new FileInfo("/proc/net/if_inet6").Exists == false
            || File.ReadAllText("/proc/net/if_inet6").Length == 0)
        {
            Assert.Inconclusive("this machine has no IPv6");
        }

        NativeBinary server = ServePoem(Poem, "--iface", "::1");
        Assert.AreEqual($"Serving poem.txt on [::1]:{server.Port()}.", server.Output.Lines[0]);
        using var client = new TcpClient("::1", server.Port());
        Wire.ReadToEnd(client.Client).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_Dash_ServesStandardInput()
    {
        NativeBinary server = Serve(new Launch("-") { Input = Poem });
        Assert.StartsWith("Serving ", server.Output.Lines[0]);
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(600)]
    [DataRow(3_000)]
    [DataRow(65_536)]
    [DataRow(10 * 1024 * 1024)]
    public void Serve_APoemOfAnySize_ComesWholeWithACleanEnd(int length)
    {
        byte[] poem = MakePoem(length);
        NativeBinary server = ServePoem(poem);
        Wire.Fetch(server.Port()).AssertIs(poem);
        Wire.Fetch(server.Port()).AssertIs(poem);
    }

    [TestMethod]
    public void Serve_BytesThatAreNoText_ComeUnchanged()
    {
        byte[] bytes = new byte[4096];
        new Random(20).NextBytes(bytes);
        NativeBinary server = ServePoem(bytes);
        Wire.Fetch(server.Port()).AssertIs(bytes);
    }

    /// <summary>
    /// A file with holes, marked in every mebibyte, is read and checked as it goes: a gibibyte where there is memory for it
    /// twice over and to spare, otherwise 96 MiB, which is more than every buffer on the way.
    /// </summary>
    [TestMethod]
    public void Serve_AHugePoem_ComesWhole()
    {
        const int Mebibyte = 1024 * 1024;
        int blocks = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= 4L * 1024 * Mebibyte ? 1024 : 96;
        using (FileStream file = File.Create(Folder["huge.txt"]))
        {
            byte[] mark = new byte[sizeof(long)];
            for (long block = 0; block < blocks; block++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(mark, block + 1);
                file.Position = block * Mebibyte;
                file.Write(mark);
            }

            file.SetLength((long)blocks * Mebibyte);
        }

        NativeBinary server = Serve("huge.txt");
        using Socket client = Wire.Connect(server.Port());
        byte[] expected = new byte[Mebibyte];
        for (int block = 0; block < blocks; block++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(expected, block + 1);
            byte[] got = Wire.ReadExactly(client, Mebibyte);
            Assert.IsTrue(got.AsSpan().SequenceEqual(expected), $"mebibyte {block} is not as it was");
        }

        Wire.ReadToEnd(client).AssertIs([]);
    }

    [TestMethod]
    public void Serve_FileChangedOnDisk_ServesTheOldPoemUntilTold()
    {
        NativeBinary server = ServePoem(Poem);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        File.WriteAllText(Folder["poem.txt"], "another one");
        Wire.Fetch(server.Port()).AssertIs(Poem);
        File.Delete(Folder["poem.txt"]);
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_Netstring_FramesThePoem()
    {
        NativeBinary server = ServePoem(Poem, "--netstring");
        byte[] framed = [.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem, (byte)','];
        Wire.Fetch(server.Port()).AssertIs(framed);
    }

    [TestMethod]
    public void Serve_AnEmptyPoem_WarnsAndServesIt()
    {
        _ = Folder.Write("poem.txt", []);
        NativeBinary server = Start(new Launch("serve", "poem.txt"));
        Wire.Fetch(server.Port()).AssertIs([]);
        server.Errors.WaitForText("warn the poem is empty: poem.txt\n");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("info reloaded poem.txt\n");
        server.Errors.WaitForText("warn the poem is empty: poem.txt\n", server.Errors.Text.IndexOf("reloaded", System.StringComparison.Ordinal));
    }

    [TestMethod]
    public void Serve_NetstringOfAnEmptyPoem_IsZeroColonComma()
    {
        NativeBinary server = ServePoem([], "--netstring");
        Wire.Fetch(server.Port()).AssertIs("0:,"u8);
    }

    [TestMethod]
    public void Serve_SeveralWorkers_PrintOneReadyLineAndAllServe()
    {
        NativeBinary server = ServePoem(Poem, "--workers", "2");
        for (int i = 0; i < 50; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }

        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual($"Serving poem.txt on 127.0.0.1:{server.Port()}.\n", Encoding.UTF8.GetString(finished.Bytes));
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    [TestMethod]
    public void Serve_LogFormatJson_WritesOneObjectALine()
    {
        NativeBinary server = ServePoem(Poem, "--log-format", "json");
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.IsNotEmpty(finished.ErrorLines, "no line about the client");
        foreach (string line in finished.ErrorLines)
        {
            using var json = System.Text.Json.JsonDocument.Parse(line);
            Assert.AreEqual(System.Text.Json.JsonValueKind.Object, json.RootElement.ValueKind, line);
        }
    }

    [TestMethod]
    [DataRow("/healthz", "HTTP/1.1 200")]
    [DataRow("/readyz", "HTTP/1.1 200")]
    [DataRow("/metrics", "poetry_")]
    [DataRow("/nosuch", "HTTP/1.1 404")]
    public void Serve_Metrics_AnswersHttp(string path, string answer)
    {
        _ = ServePoem(Poem, "--metrics", "unix:metrics.sock");
        using Socket client = Wire.Connect(Folder["metrics.sock"]);
        _ = client.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: poetry\r\nConnection: close\r\n\r\n"));
        Assert.Contains(answer, Encoding.UTF8.GetString(Wire.ReadToEnd(client).Bytes));
    }
}
