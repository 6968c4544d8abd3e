using System.Net;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <content>What is asked of each command.</content>
public sealed partial class LimitTortureTests
{
    private const int SmallBufferBytes = 4096;

    /// <summary>A client that is not let in for so long finds the backlog full.</summary>
    private const int FullBacklogMs = 1000;

    private static bool IsFull => Environment.GetEnvironmentVariable("POETRY_TORTURE") is { Length: > 0 };

    private void RunOnce(string command, Limited limited)
    {
        switch (command)
        {
            case "serve":
                RunPoemServer(limited, ["serve"]);
                break;
            case "slow-serve":
                RunPoemServer(limited, ["slow-serve", "--num-bytes", "1MiB", "--delay", "5ms"]);
                break;
            case "transform":
                RunTransform(limited);
                break;
            case "proxy":
                RunProxy(limited);
                break;
            case "proxy --transform":
                RunTransformingProxy(limited);
                break;
            case "get":
                RunGet(limited);
                break;
            default:
                RunTransformingGet(limited);
                break;
        }
    }

    /// <summary>A poem that has room, also while it is read again; stalled clients; and a start with one that has none.</summary>
    private void RunPoemServer(Limited limited, string[] command)
    {
        byte[] poem = MakePoem(limited.LongBytes);
        _ = Folder.Write("long.txt", poem);
        _ = Folder.Write("poem.txt", Poem);
        RunServer(limited, [.. command, "0=poem.txt", "0=long.txt"], static port => Wire.Fetch(port), Poem, server =>
        {
            int port = server.Port(1);
            Socket[] stalled = [.. Enumerable.Range(0, 5).Select(_ => Connect(port)).OfType<Socket>()];
            server.Signal(Posix.SIGHUP);
            stalled = EndFew(limited, stalled);
            AtOnce(5, _ => IsWhole(Try(() => Wire.Fetch(port)), poem));
            server.Signal(Posix.SIGUSR1);
            Array.ForEach(stalled, Wire.Reset);
        });
        using (FileStream tooLong = File.Create(Folder["toolong.txt"]))
        {
            tooLong.SetLength(limited.TooLongBytes);
        }

        RunServer(limited, [.. command, "toolong.txt"], FirstBytes, new byte[100], static _ => { });
    }

    /// <summary>Long requests, half first; then thousands of small ones that never end.</summary>
    private void RunTransform(Limited limited)
    {
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a verse of this poem\n", 47_619)));
        byte[] request = [.. Encoding.ASCII.GetBytes($"{text.Length + 6}:shout."), .. text, (byte)','];
        byte[] answer = [.. Encoding.ASCII.GetBytes($"{text.Length}:"), .. text.Select(b => (byte)char.ToUpperInvariant((char)b)), (byte)','];
        byte[] start = Encoding.ASCII.GetBytes("4006:shout." + new string('x', 3000));
        int small = !limited.ManyClients ? 30 : IsFull ? 15_000 : 3000;
        string[] arguments = ["transform", "--port", "0", "--text-port", "0", "--timeout", limited.ManyClients ? "30" : "1"];
        RunServer(limited, arguments, port => Ask(port, "7:shout.a,"u8.ToArray()), "1:A,"u8.ToArray(), server =>
        {
            int port = server.Port();
            AtOnce(limited.ManyClients ? 40 : 5, _ =>
            {
                // What was refused, or has no reply, ends without a byte.
                Delivery? delivery = Try(() => Ask(port, request));
                Assert.IsTrue(delivery is null or { Bytes.Length: 0 } || IsWhole(delivery, answer) || delivery.Value.WasReset);
            });
            var waiting = new List<Socket>();
            for (int i = 0; i < small && Connect(port) is { } client; i++)
            {
                waiting.Add(client);
                _ = Try(() =>
                {
                    _ = client.Send(start);
                    return default;
                });
            }

            waiting.ForEach(Wire.Reset);
        });
    }

    /// <summary>Poems that are kept, one that passes through, clients that read nothing, and an upstream that has a name.</summary>
    private void RunProxy(Limited limited)
    {
        using NativeBinary upstream = StartUpstream(limited, out byte[] poem);
        string[] addresses = [.. new[] { 0, 1, 1, 2 }.Select(i => $"0=127.0.0.1:{upstream.Port(i)}"), $"0=localhost:{upstream.Port()}"];
        RunServer(limited, ["proxy", .. addresses], static port => Wire.Fetch(port), Poem, proxy =>
        {
            _ = proxy.Output.WaitForLines(addresses.Length);
            Socket[] stalled = [.. Enumerable.Range(0, 6).Select(i => Connect(proxy.Port(1 + (i % 2)))).OfType<Socket>()];
            stalled = EndFew(limited, stalled);
            AtOnce(6, i => IsWhole(Try(() => Wire.Fetch(proxy.Port(1 + (i % 2)))), poem));
            AtOnce(3, _ =>
            {
                using Socket? client = Connect(proxy.Port(3));
                long got = 0;
                bool wasReset = client is null || Wire.ReadToEnd(client, block => got += block.Length);
                Assert.IsTrue(wasReset || got == limited.TooLongBytes, $"a clean end after {got} of {limited.TooLongBytes} bytes");
            });
            Array.ForEach(stalled, Wire.Reset);
            _ = IsWhole(Try(() => Wire.Fetch(proxy.Port(4))), Poem);
        });
    }

    /// <summary>Long poems that are fetched at once: each is held as it came, as a request, and transformed.</summary>
    private void RunTransformingProxy(Limited limited)
    {
        byte[] poem = MakePoem(limited.LongBytes);
        _ = Folder.Write("long.txt", poem);
        _ = Folder.Write("poem.txt", Poem);
        string[] poems = ["0=poem.txt", .. Enumerable.Repeat("0=long.txt", 6)];
        using NativeBinary upstream = NativeBinary.Start(new Launch(["serve", .. poems]) { Folder = Folder.Path });
        using NativeBinary transformer = NativeBinary.Start(new Launch("transform", "--max-length", "0"));
        _ = upstream.Output.WaitForLines(poems.Length);
        string[] addresses = [.. Enumerable.Range(0, poems.Length).Select(i => $"0={upstream.Port(i)}")];
        string[] arguments = ["proxy", "--transform", "rot13", "--via", $"{transformer.Port()}", .. addresses];
        byte[] answer = [.. Poem.Select(Rot13)];
        RunServer(limited, arguments, static port => Wire.Fetch(port), answer, proxy =>
        {
            _ = proxy.Output.WaitForLines(addresses.Length);

            // The second time, memory was freed.
            for (int round = 0; round < 2; round++)
            {
                AtOnce(addresses.Length - 1, i =>
                {
                    Delivery? delivery = Try(() => Wire.Fetch(proxy.Port(i + 1)));
                    Assert.IsTrue(delivery is null or { WasReset: true } || delivery.Value.Bytes.Length == poem.Length);
                });
            }
        });
    }

    /// <summary>Three poems, of which one has no room; and many of these at once.</summary>
    private void RunGet(Limited limited)
    {
        using NativeBinary upstream = StartUpstream(limited, out byte[] poem);
        string[] words = ["get", "--quiet", "--wait", $"localhost:{upstream.Port(0)}", $"{upstream.Port(2)}", $"{upstream.Port(1)}"];
        using (NativeBinary get = NativeBinary.Start(limited.Launch(Folder.Path, words)))
        {
            Finished finished = get.WaitForExit();
            int failed = AssertToldOrGot(finished, 3);
            Assert.IsTrue(failed > 0 || finished.Bytes.Length == Poem.Length + limited.TooLongBytes + poem.Length);
            Assert.IsTrue(
                finished.Bytes.Length == 0 || IsSumOf(finished.Bytes.Length, Poem.Length, limited.TooLongBytes, poem.Length),
                $"{finished.Bytes.Length} bytes are not poems");
        }

        int count = !limited.ManyClients ? 2 : IsFull ? 20 : 8;
        string[] many = ["get", "--quiet", .. Enumerable.Repeat($"{upstream.Port(2)}", count)];
        using (NativeBinary get = NativeBinary.Start(limited.Launch(Folder.Path, many)))
        {
            Finished finished = get.WaitForExit();
            int failed = AssertToldOrGot(finished, count);
            Assert.IsTrue(failed > 0 || finished.Bytes.Length == count * limited.TooLongBytes);
            Assert.AreEqual(0, finished.Bytes.Length % limited.TooLongBytes);
        }
    }

    /// <summary>One long poem that is transformed; and several at once.</summary>
    private void RunTransformingGet(Limited limited)
    {
        using NativeBinary upstream = StartUpstream(limited, out byte[] poem);
        using NativeBinary transformer = NativeBinary.Start(new Launch("transform", "--max-length", "0"));
        string[] words = ["get", "--quiet", "--transform", "rot13", "--via", $"{transformer.Port()}", $"{upstream.Port(1)}"];
        using (NativeBinary get = NativeBinary.Start(limited.Launch(Folder.Path, words)))
        {
            Finished finished = get.WaitForExit();
            AssertNoException(finished);
            bool isPlain = finished.Bytes.AsSpan().SequenceEqual(poem);
            bool isTransformed = finished.Bytes.Length == poem.Length && finished.Bytes[0] == (byte)'i';
            Assert.AreEqual(isPlain || isTransformed ? 0 : 1, finished.ExitCode, finished.Errors);
            Assert.HasCount(isTransformed ? 0 : 1, finished.Errors.Length == 0 ? [] : finished.ErrorLines, finished.Errors);
        }

        using (NativeBinary get = NativeBinary.Start(limited.Launch(Folder.Path, [.. words, .. Enumerable.Repeat(words[^1], 3)])))
        {
            Finished finished = get.WaitForExit();
            AssertNoException(finished);
            Assert.IsTrue(finished.ExitCode is 0 or 1, $"exit {finished.ExitCode}: {finished.Errors}");
            Assert.AreEqual(0, finished.Bytes.Length % poem.Length, "only whole poems");
            Assert.IsTrue(finished.ExitCode == 1 || finished.Bytes.Length == 4 * poem.Length);
        }
    }

    /// <summary>A server of three poems: a short one, one that has room alone, and one that has none.</summary>
    private NativeBinary StartUpstream(Limited limited, out byte[] poem)
    {
        poem = MakePoem(limited.LongBytes);
        _ = Folder.Write("long.txt", poem);
        _ = Folder.Write("poem.txt", Poem);
        using (FileStream tooLong = File.Create(Folder["toolong.txt"]))
        {
            tooLong.SetLength(limited.TooLongBytes);
        }

        NativeBinary upstream = NativeBinary.Start(new Launch("serve", "0=poem.txt", "0=long.txt", "0=toolong.txt")
        {
            Folder = Folder.Path,
        });
        _ = upstream.Output.WaitForLines(3);
        return upstream;
    }

    /// <summary>A line for each poem that has failed, or one for all.</summary>
    /// <returns>How many have failed.</returns>
    private static int AssertToldOrGot(Finished finished, int poems)
    {
        AssertNoException(finished);
        if (finished.ExitCode == 0)
        {
            Assert.AreEqual("", finished.Errors);
            return 0;
        }

        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        string[] lines = finished.ErrorLines;
        bool isRefused = lines.Length == 1 && finished.Errors.StartsWith("poetry", StringComparison.Ordinal);
        bool isEachTold = lines.Length <= poems && Array.TrueForAll(lines, line => line.StartsWith("Task ", StringComparison.Ordinal));
        Assert.IsTrue(isRefused || isEachTold, finished.Errors);
        return lines.Length;
    }

    /// <summary>Where a small limit allows no more clients, the others would wait for those that read nothing.</summary>
    /// <returns>The clients that are left.</returns>
    private static Socket[] EndFew(Limited limited, Socket[] stalled)
    {
        if (limited.ManyClients)
        {
            return stalled;
        }

        Array.ForEach(stalled, Wire.Reset);
        return [];
    }

    private static byte Rot13(byte letter) => (letter | 0x20) switch
    {
        >= 'a' and <= 'm' => (byte)(letter + 13),
        >= 'n' and <= 'z' => (byte)(letter - 13),
        _ => letter,
    };

    private static bool IsSumOf(long sum, params long[] parts) =>
        sum == 0 || (parts.Length > 0 && (IsSumOf(sum, parts[1..]) || IsSumOf(sum - parts[0], parts[1..])));

    /// <summary>A client that reads nothing; null if it is refused, or if the backlog is full as well.</summary>
    private static Socket? Connect(int port)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveBufferSize = SmallBufferBytes,
            SendTimeout = FullBacklogMs,
            ReceiveTimeout = Patience.Milliseconds,
        };
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return client;
        }
        catch (SocketException)
        {
            client.Dispose();
            return null;
        }
    }

    private static Delivery Ask(int port, byte[] request)
    {
        using Socket client = Wire.Connect(port);
        _ = client.Send(request);
        return Wire.ReadToEnd(client);
    }

    /// <summary>The beginning of a poem that is longer than a test should read.</summary>
    private static Delivery FirstBytes(int port)
    {
        using Socket client = Wire.Connect(port);
        return new Delivery(Wire.ReadExactly(client, 100), WasReset: false);
    }
}
