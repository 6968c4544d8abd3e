using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// Aim: no bytes from the wire make a command crash, hang, or say something wrong. Method: inputs from a grammar are broken at
/// random and sent in random pieces; an oracle that reads the same bytes says what may come back, and after each input the
/// command still works.
/// </summary>
/// <remarks>A test run gives each four seconds; POETRY_FUZZ_SECONDS sets another time, POETRY_SEED repeats a run.</remarks>
[TestClass]
public sealed class FuzzTests : NativeTests
{
    /// <summary>What ends a piece that asks for nothing: it is refused, or its time runs out.</summary>
    private const string RequestTimeout = "300ms";

    private static readonly double Seconds =
        double.TryParse(Environment.GetEnvironmentVariable("POETRY_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double given) ? given : 4;

    private Random _random = null!;

    public TestContext TestContext { get; set; } = null!;

    [TestInitialize]
    public void StartSeed() => _random = Seed.Start(TestContext);

    [TestMethod]
    [Timeout(3_600_000)]
    public void TheNetstringPort_AnswersWhatWasAskedAndNothingElse()
    {
        NativeBinary server = Start(new Launch("transform", "--port", "0", "--timeout", RequestTimeout, "--log-level", "error"));
        Fuzz(server, () =>
        {
            string text = RandomText(200);
            byte[] request = Break(Encoding.Latin1.GetBytes($"{text.Length + 6}:rot13.{text},"));
            Delivery delivery = Talk(server.Port(), request, ends: true);
            byte[] expected = TryReadNetstring(request) is { } asked && asked.StartsWith("rot13.", StringComparison.Ordinal)
                ? Encoding.Latin1.GetBytes($"{asked.Length - 6}:{Rot13(asked[6..])},")
                : [];
            AssertAnswer(request, delivery, expected);
        });
        AssertEndsWell(server, () => AssertAnswer([], Talk(server.Port(), "7:shout.a,"u8.ToArray()), "1:A,"u8.ToArray()));
    }

    [TestMethod]
    [Timeout(3_600_000)]
    public void TheTextPort_AnswersWhatWasAskedAndNothingElse()
    {
        string[] arguments = ["transform", "--port", "0", "--text-port", "0", "--timeout", RequestTimeout, "--log-level", "error"];
        NativeBinary server = Start(new Launch(arguments));
        Fuzz(server, () =>
        {
            byte[] request = Break(Encoding.Latin1.GetBytes($"rot13\n{RandomText(200)}"));
            Delivery delivery = Talk(server.Port(1), request, ends: true);
            string text = Encoding.Latin1.GetString(request);
            string? asked = Array.Find(["rot13\n", "rot13\r\n"], line => text.StartsWith(line, StringComparison.Ordinal));
            byte[] expected = asked is null ? [] : Encoding.Latin1.GetBytes(Rot13(text[asked.Length..]));
            AssertAnswer(request, delivery, expected, mayBeReset: expected.Length == 0);
        });
        AssertEndsWell(server, () => AssertAnswer([], Talk(server.Port(1), "rot13\na"u8.ToArray(), ends: true), "n"u8.ToArray()));
    }

    [TestMethod]
    [Timeout(3_600_000)]
    public void TheMetricsPort_AnswersWithAStatusOrNotAtAll()
    {
        _ = Folder.Write("poem.txt", Poem);
        string path = Folder["metrics"];
        NativeBinary server = Serve("--metrics", $"unix:{path}", "--log-level", "error", "poem.txt");
        string[] targets = ["/metrics", "/healthz", "/readyz", "*", "http://localhost/metrics", "/" + new string('a', 9000)];
        Fuzz(server, () =>
        {
            string target = targets[_random.Next(targets.Length)];
            byte[] request = Break(Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: {RandomText(20)}\r\n\r\n"));
            using Socket client = Wire.Connect(path);
            Delivery delivery = Exchange(client, request, ends: true);
            string answer = Encoding.Latin1.GetString(delivery.Bytes);
            Assert.IsTrue(
                answer.Length == 0 || answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"{Show(request)} was answered: {answer}");
        });
        AssertEndsWell(server, () => Assert.AreEqual(200, HttpAnswer.Get(path, "/healthz").Status));
    }

    /// <summary>A malicious server: what it sends begins with a whole netstring or not, and only then is it written.</summary>
    [TestMethod]
    [Timeout(3_600_000)]
    public void Get_WritesAWholePoemOrNone()
    {
        byte[] wire = [];
        using var server = new FaultServer((client, _) => Attack(client, wire));
        Fuzz(null, () =>
        {
            string sent = RandomText(3000);
            wire = Break(Encoding.Latin1.GetBytes($"{sent.Length}:{sent},"));
            Finished finished = Run("get", "--netstring", "--quiet", "--timeout", "2", $"{server.Port}");
            byte[]? poem = TryReadNetstring(wire) is { } text ? Encoding.Latin1.GetBytes(text) : null;
            Assert.AreEqual(poem is null ? 1 : 0, finished.ExitCode, $"{Show(wire)}: {finished.Errors}");
            Assert.IsTrue(finished.Bytes.AsSpan().SequenceEqual(poem ?? []), $"{Show(wire)}: it wrote other bytes");
        });
    }

    /// <summary>The proxy passes on what came: a client gets a whole netstring with a clean end, or a beginning and a reset.</summary>
    [TestMethod]
    [Timeout(3_600_000)]
    public void Proxy_PassesAWholePoemOrAReset()
    {
        byte[] wire = [];
        using var upstream = new FaultServer((client, _) => Attack(client, wire));
        string[] arguments = ["proxy", "--port", "0", "--ttl", "0", "--netstring", "--timeout", "2", "--log-level", "error", $"{upstream.Port}"];
        NativeBinary proxy = Start(new Launch(arguments));
        Fuzz(proxy, () =>
        {
            string text = RandomText(3000);
            wire = Break(Encoding.Latin1.GetBytes($"{text.Length}:{text},"));
            Delivery delivery = FetchOrReset(proxy.Port());

            // In the pause after a failure the proxy resets at once what it could have got.
            Assert.IsTrue(wire.AsSpan().StartsWith(delivery.Bytes), $"{Show(wire)} became {Show(delivery.Bytes)}");
            bool isWhole = TryReadNetstring(wire) is { } poem && delivery.Bytes.Length == $"{poem.Length}:{poem},".Length;
            Assert.AreEqual(!isWhole, delivery.WasReset, $"{Show(wire)} became {delivery.Bytes.Length} bytes");
        });
        AssertEndsWell(proxy, static () => { });
    }

    /// <summary>Runs one case after another until the time is over; a server must be alive after each.</summary>
    private void Fuzz(NativeBinary? server, Action tryOne)
    {
        _ = server?.Output.WaitForLines(1);
        int cases = 0;
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < Seconds; cases++)
        {
            tryOne();
            Assert.IsFalse(server?.HasExited ?? false, $"it has ended after {cases} inputs: {server?.Errors.Text}");
        }

        TestContext.WriteLine($"{cases} inputs");
    }

    private static void AssertEndsWell(NativeBinary server, Action useOnce)
    {
        useOnce();
        server.SignalUntilItEnds(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.ErrorLines, finished.Errors);
    }

    private static void AssertAnswer(byte[] request, in Delivery delivery, byte[] expected, bool mayBeReset = false)
    {
        Assert.IsTrue(delivery.Bytes.AsSpan().SequenceEqual(expected), $"{Show(request)} was answered {Show(delivery.Bytes)}");
        Assert.IsTrue(mayBeReset || !delivery.WasReset || expected.Length == 0, $"{Show(request)} was reset");
    }

    /// <summary>Leaves an input as it is, or breaks it in one to three places.</summary>
    private byte[] Break(byte[] whole)
    {
        List<byte> bytes = [.. whole];
        int changes = _random.Next(4);
        for (int change = 0; change < changes && bytes.Count > 0; change++)
        {
            int at = _random.Next(_random.Next(3) == 0 ? bytes.Count : Math.Min(bytes.Count, 12));
            switch (_random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, (byte)"0123456789:,.\n\r \0"[_random.Next(17)]);
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(0, _random.Next(bytes.Count)));
                    break;
                default:
                    bytes.AddRange(Encoding.Latin1.GetBytes(RandomText(20)));
                    break;
            }
        }

        return [.. bytes];
    }

    private string RandomText(int maxLength) =>
        string.Concat(Enumerable.Range(0, _random.Next(maxLength)).Select(_ => (char)_random.Next(' ', '~')));

    private static Delivery Talk(int port, byte[] request, bool ends = false)
    {
        using Socket client = Wire.Connect(port);
        return Exchange(client, request, ends);
    }

    /// <summary>Sends in pieces, and reads to the end.</summary>
    private static Delivery Exchange(Socket client, byte[] request, bool ends)
    {
        try
        {
            Send(client, request);
            if (ends)
            {
                client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Refused before all was said; the answer tells.
        }

        return Wire.ReadToEnd(client);
    }

    /// <summary>A reset that comes at once may be what connect itself returns.</summary>
    private static Delivery FetchOrReset(int port)
    {
        try
        {
            return Wire.Fetch(port);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return new Delivery([], WasReset: true);
        }
    }

    private static void Attack(Socket client, byte[] wire)
    {
        Send(client, wire);
        client.Shutdown(SocketShutdown.Send);
    }

    private static void Send(Socket client, byte[] bytes)
    {
        if (client.AddressFamily != AddressFamily.Unix)
        {
            client.NoDelay = true;
        }

        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(bytes.Length - at, bytes.Length < 40 ? 1 : 1 + (bytes.Length / 5));
            at += client.Send(bytes.AsSpan(at, length));
        }
    }

    /// <summary>The oracle: the netstring at the beginning, as cr.yp.to/proto/netstrings.txt has it; null if there is none.</summary>
    private static string? TryReadNetstring(byte[] wire)
    {
        int colon = Array.IndexOf(wire, (byte)':');
        if (colon is < 1 or > 9 || wire.Take(colon).Any(digit => digit is < (byte)'0' or > (byte)'9') || (wire[0] == '0' && colon > 1))
        {
            return null;
        }

        int length = int.Parse(Encoding.ASCII.GetString(wire, 0, colon), CultureInfo.InvariantCulture);
        bool isWhole = wire.Length > colon + 1 + length && wire[colon + 1 + length] == ',';
        return isWhole ? Encoding.Latin1.GetString(wire, colon + 1, length) : null;
    }

    private static string Rot13(string text) => string.Concat(text.Select(static c => c switch
    {
        >= 'a' and <= 'z' => (char)('a' + ((c - 'a' + 13) % 26)),
        >= 'A' and <= 'Z' => (char)('A' + ((c - 'A' + 13) % 26)),
        _ => c,
    }));

    private static string Show(byte[] bytes) => $"\"{Encoding.Latin1.GetString(bytes, 0, Math.Min(bytes.Length, 400))}\" ({bytes.Length} bytes)";
}
