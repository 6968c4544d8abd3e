using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>All servers at once, and random bytes sent to each of them.</summary>
[TestClass]
public sealed class StageTests : NativeTests
{
    public TestContext TestContext { get; set; } = null!;

    /// <summary>
    /// Three slow servers, a proxy before each, a transform server, and ten clients that fetch all three poems through the
    /// proxies and have them transformed. Each server is fetched from once; all get every byte; all end when told to.
    /// </summary>
    [TestMethod]
    public void TheWholeStage_TenClients_AllGetAllOfIt()
    {
        byte[][] poems = [.. Enumerable.Range(1, 3).Select(number => MakePoem(400 * number))];
        var servers = new List<NativeBinary>();
        for (int i = 0; i < poems.Length; i++)
        {
            _ = Folder.Write($"poem{i}.txt", poems[i] = [.. poems[i].Where(letter => letter < 128)]);
            servers.Add(Start(new Launch("slow-serve", "--num-bytes", "50", "--delay", "0.05", $"poem{i}.txt")));
        }

        NativeBinary proxy = Start(new Launch(["proxy", .. servers.Select(server => $"0={server.Port()}")]));
        NativeBinary transform = Start(new Launch("transform"));
        servers.AddRange([proxy, transform]);
        string[] addresses = [.. Enumerable.Range(0, poems.Length).Select(i => $"{proxy.Port(i)}")];
        NativeBinary[] clients = [.. Enumerable.Range(0, 10).Select(_ =>
            Start(new Launch(["get", "--wait", "--transform", "shout", "--via", $"{transform.Port()}", .. addresses])))];
        byte[] expected = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString([.. poems.SelectMany(poem => poem)]).ToUpperInvariant());
        foreach (NativeBinary client in clients)
        {
            Finished got = client.WaitForExit();
            Assert.AreEqual(0, got.ExitCode, got.Errors);
            Assert.AreEqual(Encoding.ASCII.GetString(expected), Encoding.ASCII.GetString(got.Bytes));
            Assert.Contains("Got 3 poems in ", got.Errors);
        }

        foreach (NativeBinary server in servers)
        {
            server.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, server.WaitForExit().ExitCode);
        }

        Assert.AreEqual(3, proxy.Errors.Lines.Count(line => line.Contains("Fetching poem", StringComparison.Ordinal)), proxy.Errors.Text);
    }

    /// <summary>
    /// Random bytes, in random pieces, with random ends: no server crashes or grows, and a proper request
    /// afterwards is answered.
    /// </summary>
    [TestMethod]
    public void RandomBytes_AtEveryPort_HarmNothing()
    {
        const int Rounds = 400;
        const long MostGrowthKiB = 24 * 1024;
        Random random = Seed.Start(TestContext);
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch("serve", "--metrics", "unix:serve.sock", "poem.txt"));
        NativeBinary transform = Start(new Launch("transform", "--timeout", "2", "--text-port", "0", "--metrics", "unix:transform.sock"));
        NativeBinary proxy = Start(new Launch("proxy", "--metrics", "unix:proxy.sock", $"{server.Port()}"));
        NativeBinary framed = Start(new Launch("proxy", "--netstring", $"{server.Port()}"));
        Func<Socket>[] doors =
        [
            () => Wire.Connect(server.Port()), () => Wire.Connect(transform.Port()), () => Wire.Connect(transform.Port(1)),
            () => Wire.Connect(proxy.Port()), () => Wire.Connect(framed.Port()), () => Wire.Connect(Folder["serve.sock"]),
            () => Wire.Connect(Folder["transform.sock"]), () => Wire.Connect(Folder["proxy.sock"]),
        ];
        NativeBinary[] all = [server, transform, proxy, framed];
        Array.ForEach(all, one => _ = one.Port());
        Attack(doors, random, Rounds / 4);
        long[] before = [.. all.Select(ResidentKiB)];
        Attack(doors, random, Rounds);
        for (int i = 0; i < all.Length; i++)
        {
            Assert.IsLessThan(before[i] + MostGrowthKiB, ResidentKiB(all[i]), all[i].Name);
        }

        Wire.Fetch(server.Port()).AssertIs(Poem);
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        using Socket client = Wire.Connect(transform.Port());
        _ = client.Send("11:shout.hello,"u8);
        Wire.ReadToEnd(client).AssertIs("5:HELLO,"u8);
        foreach (string door in new[] { "serve.sock", "transform.sock", "proxy.sock" })
        {
            Assert.AreEqual(200, HttpAnswer.Get(Folder[door], "/healthz").Status);
        }

        foreach (NativeBinary one in all)
        {
            one.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, one.WaitForExit().ExitCode, one.Errors.Text);
            Assert.DoesNotContain("   at ", one.Errors.Text, "an exception was thrown");
        }
    }

    private static void Attack(Func<Socket>[] doors, Random random, int rounds)
    {
        string[] beginnings = ["", "5:", "999999999999:", "11:shout.", "shout\n", "GET /metrics HTTP/1.1\r\n", "0:,", "\0", "HEAD "];
        for (int round = 0; round < rounds; round++)
        {
            using Socket socket = doors[random.Next(doors.Length)]();
            try
            {
                _ = socket.Send(Encoding.ASCII.GetBytes(beginnings[random.Next(beginnings.Length)]));
                for (int piece = random.Next(4); piece > 0; piece--)
                {
                    byte[] bytes = new byte[1 << random.Next(16)];
                    random.NextBytes(bytes);
                    _ = socket.Send(bytes);
                }

                switch (random.Next(3))
                {
                    case 0:
                        socket.LingerState = new LingerOption(enable: true, seconds: 0);
                        break;
                    case 1:
                        socket.Shutdown(SocketShutdown.Send);
                        _ = Wire.ReadToEnd(socket);
                        break;
                    default:
                        break;
                }
            }
            catch (SocketException e) when (e.SocketErrorCode
                is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted or SocketError.NotConnected)
            {
                // The server has heard enough.
            }
        }
    }

    private static long ResidentKiB(NativeBinary server)
    {
        string line = File.ReadLines($"/proc/{server.ProcessId}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
