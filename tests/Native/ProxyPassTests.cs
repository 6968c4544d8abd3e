using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// A poem that is too long to be kept, and its only client: on Linux the kernel passes it from socket to socket. What the proxy
/// promises of other poems holds for it, too. That splice(2) is used is checked in <see cref="SystemCallTests"/>.
/// </summary>
[TestClass]
public sealed class ProxyPassTests : ProxyNativeTests
{
    private const int SmallBufferBytes = 4096;

    /// <summary>More than what is kept of a poem that passes through, so that its beginning is gone.</summary>
    private const int Begun = 600_000;

    private static readonly byte[] Long = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i % 251))];

    private static readonly byte[] Header = Encoding.ASCII.GetBytes($"{Long.Length}:");

    private static readonly string[] Lines = ["--max-poem", "16KiB"];

    private static readonly string[] Frames = [.. Lines, "--netstring"];

    [TestMethod]
    public void AFrame_ComesWhole_WithWhatFollowsItIgnored()
    {
        using FaultServer upstream = Sending([.. Header, .. Long, .. ",and more"u8], (client, _) => client.Shutdown(SocketShutdown.Send));
        NativeBinary proxy = Proxy([.. Frames, $"{upstream.Port}"]);
        Wire.Fetch(proxy.Port()).AssertIs([.. Header, .. Long, (byte)',']);
    }

    [TestMethod]
    public void AFrameWithoutItsComma_IsReset()
    {
        using FaultServer upstream = Sending([.. Header, .. Long, (byte)'.'], (client, _) => client.Shutdown(SocketShutdown.Send));
        NativeBinary proxy = Proxy([.. Frames, $"{upstream.Port}"]);
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        proxy.Errors.WaitForText("the server sent no netstring");
    }

    [TestMethod]
    public void AFrameThatIsCut_IsReset()
    {
        using FaultServer upstream = Sending([.. Header, .. Long[1..]], (client, _) => client.Shutdown(SocketShutdown.Send));
        NativeBinary proxy = Proxy([.. Frames, $"{upstream.Port}"]);
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        proxy.Errors.WaitForText($"got {Long.Length - 1} of {Long.Length} bytes");
    }

    /// <summary>The client gets what came before, and then a reset.</summary>
    [TestMethod]
    public void AnUpstreamThatResets_ResetsTheClient()
    {
        using FaultServer upstream = Sending(Long, (client, _) =>
        {
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            Wire.Reset(client);
        });
        NativeBinary proxy = Proxy([.. Lines, $"{upstream.Port}"]);
        using Socket client = Wire.Connect(proxy.Port());
        Assert.IsTrue(Long.AsSpan().SequenceEqual(Wire.ReadExactly(client, Long.Length)));
        _ = Go.Set();
        Wire.WaitForReset(client);
        proxy.Errors.WaitForText($"upstream reset after {Long.Length} bytes");
    }

    [TestMethod]
    public void AnUpstreamThatFallsSilent_HasFailed()
    {
        using FaultServer upstream = FaultServer.Hanging(Long);
        NativeBinary proxy = Proxy([.. Lines, "--timeout", "0.3", $"{upstream.Port}"]);
        Delivery delivery = Wire.Fetch(proxy.Port());
        Assert.IsTrue(delivery.WasReset);
        proxy.Errors.WaitForText("timed out");
    }

    /// <summary>What a client does not read stays with the upstream: the proxy holds a pipe of 1 MiB, and the kernel its buffers.</summary>
    [TestMethod]
    public void AClientThatDoesNotRead_HoldsTheUpstream_ForLongerThanItsTimeout()
    {
        byte[] poem = [.. Enumerable.Repeat(Long, 20).SelectMany(bytes => bytes)];
        NativeBinary upstream = ServePoem(poem);
        NativeBinary proxy = Proxy([.. Lines, "--timeout", "0.2", $"{upstream.Port()}"]);
        using Socket slow = Wire.Connect(proxy.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(slow, Begun);

        // Each of the others has a fetch of its own: the beginning of this one is gone.
        long deadline = Environment.TickCount64 + 500;
        while (Environment.TickCount64 < deadline)
        {
            Wire.Fetch(proxy.Port()).AssertIs(poem);
        }

        string peak = File.ReadLines($"/proc/{proxy.ProcessId}/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal));
        Assert.IsLessThan(poem.Length / 2, 1024L * int.Parse(peak.Split(' ')[^2], null), "the proxy does not hold the poem");
        Delivery rest = Wire.ReadToEnd(slow);
        Assert.IsFalse(rest.WasReset);
        Assert.IsTrue(poem.AsSpan(Begun).SequenceEqual(rest.Bytes));
        proxy.Errors.WaitForText($"{poem.Length} of {poem.Length} bytes");
    }

    /// <summary>The kernel sends it to the first; the second causes a fetch of its own, which stays in memory for the third.</summary>
    [TestMethod]
    public void APoemThatIsNotKept_IsFetchedTwiceAtMost_ForClientsThatComeWhileItArrives()
    {
        byte[] poem = [.. Enumerable.Repeat(Long, 10).SelectMany(bytes => bytes)];
        var upstreams = new List<Socket>();
        using FaultServer upstream = Sending(poem, (client, _) => upstreams.Add(client));
        NativeBinary proxy = Proxy("--ttl", "0", $"{upstream.Port}");
        var clients = new Socket[3];
        for (int i = 0; i < clients.Length; i++)
        {
            clients[i] = Connect(proxy, 1)[0];
            Assert.IsTrue(poem.AsSpan().SequenceEqual(Wire.ReadExactly(clients[i], poem.Length)));
        }

        Assert.HasCount(2, upstreams);
        upstreams.ForEach(client => client.Shutdown(SocketShutdown.Send));
        Array.ForEach(clients, client => Assert.IsFalse(Wire.ReadToEnd(client).WasReset));
    }

    private static FaultServer Sending(byte[] bytes, Action<Socket, int> afterwards) => new((client, number) =>
    {
        _ = client.Send(bytes);
        afterwards(client, number);
    });
}
