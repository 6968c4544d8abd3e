using System.Globalization;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What clients can make a server hold in memory, and what it does when there is none.</summary>
[TestClass]
public sealed class LittleMemoryTests : NativeTests
{
    private const int Megabyte = 1_000_000;

    /// <summary>
    /// Clients that read nothing but their first byte, of two poems in turn, of which only one finds room at a time: each
    /// new fetch would leave another copy with the client. A poem that is to be kept has come whole before its first byte is
    /// sent on.
    /// </summary>
    [TestMethod]
    [DataRow("2h")]
    [DataRow("0")]
    public void ClientsOfAProxyThatDoNotRead_PinNoMoreThanTheCache(string lifetime)
    {
        byte[] poem = new byte[8 * Megabyte];
        _ = Folder.Write("long.txt", poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt", "0=long.txt", "0=long.txt"));
        _ = upstream.Output.WaitForLines(3);
        NativeBinary proxy = Start(new Launch(
            [
                "proxy", "--ttl", lifetime, "--max-cache", "10MB", "--store-and-forward",
                $"0={upstream.Port(0)}", $"0={upstream.Port(1)}", $"0={upstream.Port(2)}",
            ]));
        _ = proxy.Output.WaitForLines(3);
        for (int i = 0; i < 16; i++)
        {
            Socket client = Own(Wire.Connect(proxy.Port(i % 2), receiveBufferBytes: 4096));
            _ = Wire.ReadExactly(client, 1);
        }

        Wire.Fetch(proxy.Port(2)).AssertIs(poem);
        Assert.IsLessThan(48 * Megabyte, PeakBytes(proxy), "sixteen poems weigh 128 MB");
    }

    /// <summary>A client that has received a poem and does not close keeps no other poem out of the cache.</summary>
    [TestMethod]
    public void AClientOfAProxyThatHasItAll_PinsNothing()
    {
        byte[] poem = new byte[8 * Megabyte];
        _ = Folder.Write("long.txt", poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt", "0=long.txt"));
        _ = upstream.Output.WaitForLines(2);
        NativeBinary proxy = Start(new Launch("proxy", "--max-cache", "10MB", $"0={upstream.Port(0)}", $"0={upstream.Port(1)}"));
        _ = proxy.Output.WaitForLines(2);
        Wire.Fetch(proxy.Port(0)).AssertIs(poem);
        Socket client = Own(Wire.Connect(proxy.Port(0)));
        _ = Wire.ReadExactly(client, poem.Length);
        proxy.Errors.WaitForText("Using cached poem.");
        int soFar = proxy.Errors.Text.Length;
        Wire.Fetch(proxy.Port(1)).AssertIs(poem);
        Wire.Fetch(proxy.Port(1)).AssertIs(poem);
        proxy.Errors.WaitForText("Using cached poem.", soFar);
    }

    /// <summary>A poem that memory has no room for costs only itself: the other one comes, and no stack is printed.</summary>
    [TestMethod]
    public void Get_WithoutMemoryForAPoem_FailsForThatPoemAlone()
    {
        _ = Folder.Write("long.txt", new byte[60 * Megabyte]);
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt", "0=poem.txt"));
        _ = upstream.Output.WaitForLines(2);
        Finished finished = Run(new Launch("get", "--quiet", $"{upstream.Port(0)}", $"{upstream.Port(1)}")
        {
            Before = "ulimit -v 131072;",
        });
        Assert.AreEqual($"Task 1: 127.0.0.1:{upstream.Port(0)}: out of memory\n", finished.Errors);
        Assert.AreEqual(1, finished.ExitCode);
        Assert.IsTrue(Poem.AsSpan().SequenceEqual(finished.Bytes));
    }

    [TestMethod]
    public void AProxyWithoutMemoryForAPoem_SaysSoInOneLine_AndGoesOn()
    {
        _ = Folder.Write("long.txt", new byte[150 * Megabyte]);
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary upstream = Start(new Launch("serve", "0=long.txt", "0=poem.txt"));
        _ = upstream.Output.WaitForLines(2);
        NativeBinary proxy = Start(new Launch(
            "proxy", "--log-level", "warn", "--max-poem", "0", "--max-cache", "0", $"0={upstream.Port(0)}", $"0={upstream.Port(1)}")
        {
            Before = "ulimit -v 131072;",
        });
        _ = proxy.Output.WaitForLines(2);
        for (int i = 0; i < 3; i++)
        {
            Assert.IsTrue(Wire.Fetch(proxy.Port(0)).WasReset, "what is not whole has no clean end");
        }

        Wire.Fetch(proxy.Port(1)).AssertIs(Poem);
        proxy.Errors.WaitForText($"warn fetch of 127.0.0.1:{upstream.Port(0)} failed: out of memory after ");
        Assert.DoesNotContain("OutOfMemoryException", proxy.Errors.Text);
    }

    private static long PeakBytes(NativeBinary binary)
    {
        string line = File.ReadLines($"/proc/{binary.ProcessId}/status")
            .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan()["VmHWM:".Length..^"kB".Length].Trim(), CultureInfo.InvariantCulture);
    }
}
