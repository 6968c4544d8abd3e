using System.Globalization;
using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The codec of Redis in a stream that comes in pieces: good replies, and what a hostile server may send.</summary>
[TestClass]
public sealed class RespDecoderTests
{
    /// <summary>Replies, and how they are read: pieces in brackets, a reply ends with a bar.</summary>
    private static readonly (string Stream, string Read)[] Replies =
    [
        ("+OK\r\n", "+OK|"),
        ("+\r\n", "+|"),
        ("-ERR no such thing\r\n", "-ERR no such thing|"),
        (":0\r\n", ":0|"),
        (":-1\r\n", ":-1|"),
        (":9223372036854775807\r\n", ":9223372036854775807|"),
        (":-9223372036854775808\r\n", ":-9223372036854775808|"),
        ("$0\r\n\r\n", "$0()|"),
        ("$5\r\nhello\r\n", "$5(hello)|"),
        ("$4\r\n\r\n\r\n\r\n", "$4(\r\n\r\n)|"),
        ("$-1\r\n", "nil|"),
        ("*-1\r\n", "nil|"),
        ("*0\r\n", "*0|"),
        ("*2\r\n$1\r\na\r\n$-1\r\n", "*2$1(a)nil|"),
        ("*2\r\n*1\r\n:1\r\n*2\r\n+a\r\n*0\r\n+b\r\n", "*2*1:1*2+a*0|+b|"),
        ("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n:7\r\n", "*3$7(message)$1(c)$2(hi)|:7|"),
        ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+deep\r\n", "*1*1*1*1*1*1*1+deep|"),
        ("*2\r\n*2\r\n*0\r\n*1\r\n*2\r\n:1\r\n*-1\r\n+a\r\n", "*2*2*0*1*2:1nil+a|"),
    ];

    /// <summary>What is no reply, and why.</summary>
    private static readonly (string Stream, string Error)[] Nonsense =
    [
        ("HTTP/1.1 400 Bad Request\r\n", "begins with another byte"),
        ("\r\n", "begins with another byte"),
        ("\0", "begins with another byte"),
        ("+OK\n", "CRLF"),
        ("+O\rK\r\n", "CRLF"),
        (":\r\n", "number"),
        (":1x\r\n", "number"),
        (":01\r\n", "number"),
        (":-0\r\n", "number"),
        (":+1\r\n", "number"),
        (":9223372036854775808\r\n", "number"),
        (":-9223372036854775809\r\n", "number"),
        (":99999999999999999999999999\r\n", "number"),
        ("$\r\n", "length"),
        ("$-2\r\n", "length"),
        ("$1.5\r\n", "length"),
        ("$999999999999999999999\r\n", "length"),
        ("$9223372036854775807\r\n", "length"),
        ("$2\r\nabc\r\n", "not followed by CRLF"),
        ("$2\r\nab\rx", "not followed by CRLF"),
        ("*-2\r\n", "length"),
        ("*1048577\r\n", "too long"),
        ("*999999999999999999\r\n", "too long"),
        ("*1\r\nx", "begins with another byte"),
    ];

    public required TestContext TestContext { get; set; }

    [TestMethod]
    public void TryRead_AnySplit_ReadsTheSame()
    {
        foreach ((string stream, string expected) in Replies)
        {
            byte[] bytes = Encoding.Latin1.GetBytes(stream);
            foreach (int[] cuts in Cuts(bytes.Length))
            {
                var decoder = default(RespDecoder);
                Assert.AreEqual(expected, Read(ref decoder, bytes, cuts), $"{stream} cut at {string.Join(',', cuts)}");
                Assert.AreEqual("+OK|", Read(ref decoder, "+OK\r\n"u8.ToArray(), []), "the next byte begins a reply");
            }
        }
    }

    [TestMethod]
    public void TryRead_Nonsense_IsOneError_HoweverItIsCut()
    {
        foreach ((string stream, string expected) in Nonsense)
        {
            byte[] bytes = Encoding.Latin1.GetBytes("+OK\r\n" + stream);
            foreach (int[] cuts in Cuts(bytes.Length))
            {
                var decoder = default(RespDecoder);
                string read = Read(ref decoder, bytes, cuts);
                Assert.StartsWith("+OK|", read);
                Assert.Contains(expected, decoder.Error ?? "no error", $"{stream} cut at {string.Join(',', cuts)}");
                ReadOnlySpan<byte> more = "+OK\r\n"u8;
                Assert.IsFalse(decoder.TryRead(ref more, out _), "after an error nothing is read");
            }
        }
    }

    [TestMethod]
    public void TryRead_LongestLine_IsRead_AndALongerOneIsNot()
    {
        byte[] line = Encoding.Latin1.GetBytes("-" + new string('x', RespDecoder.MaxLineBytes - 3) + "\r\n");
        foreach (int cut in new[] { line.Length, 1, line.Length - 2, line.Length - 1 })
        {
            var decoder = default(RespDecoder);
            Assert.HasCount(line.Length - 1, Read(ref decoder, line, [cut]));
            Assert.IsNull(decoder.Error);
        }

        byte[] longer = [(byte)'-', .. line[1..^2], (byte)'x', .. "\r\n"u8];
        foreach (int cut in new[] { longer.Length, 1, longer.Length - 2, longer.Length - 1 })
        {
            var decoder = default(RespDecoder);
            _ = Read(ref decoder, longer, [cut]);
            Assert.AreEqual("a line is too long", decoder.Error);
        }

        var endless = default(RespDecoder);
        byte[] piece = Encoding.Latin1.GetBytes(new string('+', 1000));
        for (int i = 0; i < 20; i++)
        {
            _ = Read(ref endless, piece, []);
        }

        Assert.AreEqual("a line is too long", endless.Error);
    }

    /// <summary>A bulk string is passed on as it arrives: a gigabyte announced costs nothing.</summary>
    [TestMethod]
    public void TryRead_HugeBulkString_IsStreamed_AndAllocatesNothing()
    {
        var decoder = default(RespDecoder);
        byte[] piece = new byte[64 * 1024];
        ReadOnlySpan<byte> head = "$999999999999999999\r\n"u8;
        Assert.IsTrue(decoder.TryRead(ref head, out RespToken start));
        Assert.AreEqual(999_999_999_999_999_999, start.Value);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 16 * 1024; i++)
        {
            ReadOnlySpan<byte> data = piece;
            if (!decoder.TryRead(ref data, out RespToken token) || token.Bytes.Length != piece.Length || !data.IsEmpty)
            {
                Assert.Fail("a piece was not passed on as it came");
            }
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>
    /// Aim: no input makes the decoder throw, loop, or read differently when it is cut differently. Method: replies of the list,
    /// damaged at random, are read in one piece, byte by byte, and in random pieces.
    /// </summary>
    [TestMethod]
    public void TryRead_Garbage_ReadsTheSameHoweverItIsCut()
    {
        Random random = Seed.Start(TestContext);
        for (int i = 0; i < 20_000; i++)
        {
            var stream = new List<byte>();
            for (int count = random.Next(1, 5); count > 0; count--)
            {
                stream.AddRange(Encoding.Latin1.GetBytes(Replies[random.Next(Replies.Length)].Stream));
            }

            for (int count = random.Next(0, 3); count > 0; count--)
            {
                int place = random.Next(stream.Count);
                stream[place] = random.Next(3) > 0 ? "0123456789-+:$*\r\n"u8[random.Next(17)] : (byte)random.Next(256);
            }

            byte[] bytes = [.. stream];
            var whole = default(RespDecoder);
            string expected = Read(ref whole, bytes, []);
            var cut = default(RespDecoder);
            var places = new SortedSet<int>();
            for (int count = random.Next(bytes.Length); count > 0; count--)
            {
                _ = places.Add(random.Next(bytes.Length));
            }

            Assert.AreEqual(expected, Read(ref cut, bytes, [.. places]), Encoding.Latin1.GetString(bytes));
            Assert.AreEqual(whole.Error, cut.Error, Encoding.Latin1.GetString(bytes));
        }
    }

    [TestMethod]
    public void Writer_WritesCommands_AsRedisReadsThem()
    {
        var writer = new RespWriter();
        _ = writer.Begin(3).Add("SET"u8).Add("k\r\ney"u8).Add("12345"u8);
        _ = writer.Begin(1).Add(""u8);
        Assert.AreEqual(
            "*3\r\n$3\r\nSET\r\n$5\r\nk\r\ney\r\n$5\r\n12345\r\n*1\r\n$0\r\n\r\n", Encoding.Latin1.GetString(writer.Written));
        writer.Clear();
        writer.BeginArgument(67_108_864);
        writer.EndArgument();
        Assert.AreEqual("$67108864\r\n\r\n", Encoding.Latin1.GetString(writer.Written));
    }

    /// <summary>In one piece, in two at every place, and byte by byte.</summary>
    private static IEnumerable<int[]> Cuts(int length)
    {
        yield return [];
        for (int i = 1; i < length; i++)
        {
            yield return [i];
        }

        int[] all = new int[length];
        for (int i = 0; i < length; i++)
        {
            all[i] = i;
        }

        yield return all;
    }

    /// <summary>Feeds the decoder, and writes down what it finds; pieces of one bulk string are joined.</summary>
    private static string Read(ref RespDecoder decoder, byte[] bytes, int[] cuts)
    {
        var text = new StringBuilder();
        int from = 0;
        foreach (int cut in (int[])[.. cuts, bytes.Length])
        {
            ReadOnlySpan<byte> input = bytes.AsSpan(from, cut - from);
            from = cut;
            while (decoder.TryRead(ref input, out RespToken token))
            {
                string piece = Encoding.Latin1.GetString(token.Bytes);
                _ = text.Append(token.Kind switch
                {
                    RespKind.Text => "+" + piece,
                    RespKind.Error => "-" + piece,
                    RespKind.Integer => ":" + token.Value.ToString(CultureInfo.InvariantCulture),
                    RespKind.BulkStart => "$" + token.Value.ToString(CultureInfo.InvariantCulture) + "(",
                    RespKind.BulkData => piece,
                    RespKind.BulkEnd => ")",
                    RespKind.Null => "nil",
                    _ => "*" + token.Value.ToString(CultureInfo.InvariantCulture),
                });
                _ = token.EndsReply ? text.Append('|') : text;
            }
        }

        return text.ToString();
    }
}
