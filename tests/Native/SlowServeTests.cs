using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary><c>poetry slow-serve</c>, from outside.</summary>
[TestClass]
public sealed class SlowServeTests : NativeTests
{
    /// <summary>
    /// Ten pieces, nine delays: a poem that comes sooner was not sent slowly. How much later it comes is the machine's
    /// business, so that only the lower bound is held.
    /// </summary>
    [TestMethod]
    public void SlowServe_APoem_ComesWholeAndNotTooSoon()
    {
        NativeBinary server = SlowServe(MakePoem(100), "--num-bytes", "10", "--delay", "0.05");
        Assert.AreEqual($"Serving poem.txt on 127.0.0.1:{server.Port()}.", server.Output.Lines[0]);
        long start = Stopwatch.GetTimestamp();
        Wire.Fetch(server.Port()).AssertIs(MakePoem(100));
        Assert.IsGreaterThanOrEqualTo(0.45, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    [TestMethod]
    [DataRow("1")]
    [DataRow("7")]
    [DataRow("100000")]
    public void SlowServe_WithoutADelay_SendsPieceAfterPiece(string bytes)
    {
        NativeBinary server = SlowServe(Poem, "--num-bytes", bytes, "--delay", "0");
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void SlowServe_LargePieces_WaitForAClientThatReadsLate()
    {
        NativeBinary server = SlowServe(LongPoem, "--num-bytes", "3MiB", "--delay", "1ms");
        using Socket client = Wire.Connect(server.Port(), receiveBufferBytes: 4096);
        byte[] start = Wire.ReadExactly(client, 10);
        Delivery rest = Wire.ReadToEnd(client);
        new Delivery([.. start, .. rest.Bytes], rest.WasReset).AssertIs(LongPoem);
    }

    [TestMethod]
    public void SlowServe_Netstring_FramesThePoem()
    {
        NativeBinary server = SlowServe(Poem, "--num-bytes", "100", "--delay", "0", "--netstring");
        Wire.Fetch(server.Port()).AssertIs([.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem, (byte)',']);
    }

    [TestMethod]
    public void SlowServe_AtLevelDebug_TellsOfEveryPiece()
    {
        NativeBinary server = SlowServe(MakePoem(100), "--num-bytes", "30", "--delay", "0", "--log-level", "debug");
        Wire.Fetch(server.Port()).AssertIs(MakePoem(100));
        server.Errors.WaitForText("whole");
        Assert.AreEqual(3, server.Errors.Lines.Count(line => line.Contains("Sending 30 bytes")), server.Errors.Text);
        Assert.AreEqual(1, server.Errors.Lines.Count(line => line.Contains("Sending 10 bytes")), server.Errors.Text);
    }

    [TestMethod]
    public void SlowServe_ManyClients_NeedNoMoreThreads()
    {
        NativeBinary server = SlowServe(MakePoem(100), "--num-bytes", "10", "--delay", "0.05");
        int before = Directory.GetFileSystemEntries($"/proc/{server.ProcessId}/task").Length;
        Socket[] clients = [.. Enumerable.Range(0, 100).Select(_ => Wire.Connect(server.Port()))];
        int during = Directory.GetFileSystemEntries($"/proc/{server.ProcessId}/task").Length;
        foreach (Socket client in clients)
        {
            Wire.ReadToEnd(client).AssertIs(MakePoem(100));
            client.Dispose();
        }

        Assert.AreEqual(before, during);
    }

    /// <summary>A poem that would take hours: who hangs up is gone at once, and a reset needs no piece to be noticed.</summary>
    [TestMethod]
    public void SlowServe_ClientThatResets_IsGoneAtOnce()
    {
        NativeBinary server = SlowServe(Poem, "--num-bytes", "10", "--delay", "1h");
        Socket client = Wire.Connect(server.Port());
        _ = Wire.ReadExactly(client, 10);
        Wire.Reset(client);
        server.Errors.WaitForText($"served 10 of {Poem.Length} bytes");
        server.Errors.WaitForText("left");
    }

    [TestMethod]
    public void SlowServe_ClientThatHalfCloses_GetsTheRest()
    {
        NativeBinary server = SlowServe(MakePoem(100), "--num-bytes", "10", "--delay", "0.02");
        using Socket client = Wire.Connect(server.Port());
        client.Shutdown(SocketShutdown.Send);
        Wire.ReadToEnd(client).AssertIs(MakePoem(100));
    }

    [TestMethod]
    [DataRow("--num-bytes", "0")]
    [DataRow("--num-bytes", "-1")]
    [DataRow("--delay", "NaN")]
    public void SlowServe_APaceThatIsNone_IsWrongUsage(string option, string value)
    {
        _ = Folder.Write("poem.txt", Poem);
        AssertFailed(Run("slow-serve", option, value, "poem.txt"), 2, option);
    }

    private NativeBinary SlowServe(byte[] poem, params string[] options)
    {
        _ = Folder.Write("poem.txt", poem);
        NativeBinary server = Start(new Launch(["slow-serve", "poem.txt", .. options]));
        _ = server.Output.WaitForLines(1);
        return server;
    }
}
