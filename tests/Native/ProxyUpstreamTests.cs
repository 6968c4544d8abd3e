using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Upstreams that fail, have mirrors, are refreshed or transformed, as a client of the proxy sees it.</summary>
[TestClass]
public sealed class ProxyUpstreamTests : ProxyNativeTests
{
    [TestMethod]
    public void AnEmptyReply_IsAFailure_AndNotKept()
    {
        using FaultServer upstream = FaultServer.Sending([]);
        NativeBinary proxy = Proxy($"{upstream.Port}");
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        proxy.Errors.WaitForText("failed: empty reply");
        proxy.Errors.WaitForText(": failed (empty reply)");
    }

    [TestMethod]
    public void TheNextMirror_TakesOver()
    {
        NativeBinary upstream = ServePoem(Poem);
        using FaultServer empty = FaultServer.Sending([]);
        using FaultServer reset = FaultServer.Resetting([]);
        string mirrors = $"127.0.0.1:{FaultServer.FreePort()},127.0.0.1:{empty.Port},127.0.0.1:{reset.Port},127.0.0.1:{upstream.Port()}";
        NativeBinary proxy = Proxy("--ttl", "0", mirrors);
        Assert.AreEqual($"Proxying {mirrors} on 127.0.0.1:{proxy.Port()}.", proxy.Output.Lines[0]);
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Errors.WaitForText("trying the next: ");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
    }

    /// <summary>Once a client has bytes of one mirror, no other one can go on.</summary>
    [TestMethod]
    public void AMirrorThatCutsOffAPoem_EndsIt()
    {
        NativeBinary upstream = ServePoem(Poem);
        using FaultServer cut = new((client, _) =>
        {
            _ = client.Send(Poem.AsSpan(0, 100));
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            FaultServer.SendAndReset(client, []);
        });
        NativeBinary proxy = Proxy($"127.0.0.1:{cut.Port},127.0.0.1:{upstream.Port()}");
        using Socket client = Wire.Connect(proxy.Port());
        Assert.IsTrue(Poem.AsSpan(0, 100).SequenceEqual(Wire.ReadExactly(client, 100)));
        _ = Go.Set();
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
        proxy.Errors.WaitForText($"failed: 127.0.0.1:{cut.Port}: connection reset by peer after 100 bytes");
    }

    [TestMethod]
    public void AStalePoem_IsServedWhileItIsRefreshed()
    {
        int connections = 0;
        byte[] renewed = MakePoem(700);
        using var upstream = new FaultServer((client, number) =>
        {
            bool isFirst = Interlocked.Increment(ref connections) == 1;
            Assert.IsTrue(isFirst || Go.WaitOne(Patience.Milliseconds));
            _ = client.Send(isFirst ? Poem : renewed);
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Proxy("--ttl", "50ms", "--stale-while-revalidate", "1h", $"{upstream.Port}");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        while (!proxy.Errors.Text.Contains(": whole (stale)", StringComparison.Ordinal))
        {
            Wire.Fetch(proxy.Port()).AssertIs(Poem);
        }

        _ = Go.Set();
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (Wire.Fetch(proxy.Port()).Bytes.Length != renewed.Length)
        {
            Assert.IsLessThan(deadline, Environment.TickCount64);
        }
    }

    [TestMethod]
    public void APoem_IsKeptTransformed()
    {
        NativeBinary upstream = ServePoem(Encoding.ASCII.GetBytes("Was it for this\n"));
        NativeBinary transformer = Start(new Launch("transform"));
        _ = transformer.Output.WaitForLines(1);
        NativeBinary proxy = Proxy("--transform", "shout", "--via", $"{transformer.Port()}", $"{upstream.Port()}");
        byte[] transformed = Encoding.ASCII.GetBytes("WAS IT FOR THIS\n");
        Wire.Fetch(proxy.Port()).AssertIs(transformed);
        upstream.Kill();
        transformer.Kill();
        Wire.Fetch(proxy.Port()).AssertIs(transformed);
    }

    [TestMethod]
    public void AnUnknownTransformation_IsAFailedFetch()
    {
        NativeBinary upstream = ServePoem(Poem);
        NativeBinary transformer = Start(new Launch("transform"));
        _ = transformer.Output.WaitForLines(1);
        NativeBinary proxy = Proxy("--transform", "none", "--via", $"{transformer.Port()}", $"{upstream.Port()}");
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
    }

    [TestMethod]
    public void AClientThatClosesAtOnce_BeginsNoFetch()
    {
        NativeBinary upstream = ServePoem(Poem);
        NativeBinary proxy = Proxy("--log-level", "debug", $"{upstream.Port()}");
        Wire.Connect(proxy.Port()).Dispose();
        proxy.Errors.WaitForText(": left");
        string record = Array.Find([.. proxy.Errors.Lines], line => line.Contains(": left", StringComparison.Ordinal))!;
        Assert.Contains(" debug ", record);
        Assert.DoesNotContain("Fetching poem", proxy.Errors.Text);
    }

    [TestMethod]
    public void AClientAfterAPurge_JoinsNoOlderFetch()
    {
        int connections = 0;
        byte[] renewed = MakePoem(700);
        Socket? first = null;
        using var upstream = new FaultServer((client, number) =>
        {
            connections = number;
            if (number == 1)
            {
                first = client;
                _ = client.Send(Poem.AsSpan(0, 40));
                return;
            }

            _ = client.Send(renewed);
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Proxy($"{upstream.Port}");
        using Socket before = Wire.Connect(proxy.Port());
        byte[] beginning = Wire.ReadExactly(before, 40);
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("emptied the cache");
        Wire.Fetch(proxy.Port()).AssertIs(renewed);
        _ = first!.Send(Poem.AsSpan(40));
        first.Shutdown(SocketShutdown.Send);
        CollectionAssert.AreEqual(Poem, (byte[])[.. beginning, .. Wire.ReadToEnd(before).Bytes]);
        Wire.Fetch(proxy.Port()).AssertIs(renewed);
        Assert.AreEqual(2, connections);
    }

    /// <summary>
    /// Aim: a file that is rewritten in place is served old or new, never both. Method: another thread rewrites it all the
    /// time, by one write of four million equal bytes, while it is reloaded and fetched.
    /// </summary>
    [TestMethod]
    public void AFileThatIsRewrittenInPlace_IsNeverServedTorn()
    {
        const int Length = 4_000_000;
        byte[][] poems = [new byte[Length], new byte[Length]];
        poems[0].AsSpan().Fill((byte)'a');
        poems[1].AsSpan().Fill((byte)'b');
        string file = Folder.Write("poem.txt", poems[0]);
        NativeBinary server = Start(new Launch("serve", "poem.txt"));
        _ = server.Output.WaitForLines(1);
        bool isOver = false;
        var writer = new Thread(() =>
        {
            using FileStream stream = File.OpenWrite(file);
            for (int i = 1; !Volatile.Read(ref isOver); i++)
            {
                stream.Position = 0;
                stream.Write(poems[i % 2]);
                stream.Flush();
            }
        });
        writer.Start();
        try
        {
            var time = Stopwatch.StartNew();
            for (int i = 0; i < 20 && time.Elapsed < TimeSpan.FromSeconds(5); i++)
            {
                server.Signal(Posix.SIGHUP);
                byte[] got = Wire.Fetch(server.Port()).Bytes;
                Assert.AreEqual(Length, got.Length);
                Assert.IsFalse(got.AsSpan().ContainsAnyExcept(got[0]), "half old and half new");
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            writer.Join();
        }

        // What stands still is served, whatever was tried before.
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded poem.txt");
    }
}
