using System.Globalization;
using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Net;

namespace Poetry.Tests.Protocols;

/// <summary>The codec in a stream that comes in pieces. Recorded streams are in tests/Traces.</summary>
[TestClass]
public sealed class NetstringDecoderTests
{
    public required TestContext TestContext { get; set; }

    [TestMethod]
    public void TryNext_SeveralInOnePiece_GivesThemInOrder_WithoutABuffer()
    {
        using var receiver = new NetstringDecoder(10);
        ReadOnlySpan<byte> data = "1:a,0:,3:b,c,"u8;
        CollectionAssert.AreEqual(new[] { "a", "", "b,c" }, Drain(receiver, data));
        Assert.IsFalse(receiver.HeldBytes > 0);
        Assert.AreEqual(13, receiver.Position);
        Assert.AreEqual(0, receiver.PendingCount);
    }

    [TestMethod]
    public void TryNext_CutInThePayload_HoldsABufferUntilItIsWhole()
    {
        using var receiver = new NetstringDecoder(10);
        Assert.IsEmpty(Drain(receiver, "5:hel"u8));
        Assert.IsTrue(receiver.HeldBytes > 0);
        Assert.AreEqual(5, receiver.PendingCount);
        CollectionAssert.AreEqual(new[] { "hello" }, Drain(receiver, "lo,"u8));
        Assert.IsFalse(receiver.HeldBytes > 0);
    }

    [TestMethod]
    public void TryNext_CutInTheLength_HoldsNoBuffer()
    {
        using var receiver = new NetstringDecoder(10);
        Assert.IsEmpty(Drain(receiver, "1"u8));
        Assert.IsEmpty(Drain(receiver, "0"u8));
        Assert.IsEmpty(Drain(receiver, ":"u8));
        Assert.IsFalse(receiver.HeldBytes > 0);
        CollectionAssert.AreEqual(new[] { "1234567890" }, Drain(receiver, "1234567890,"u8));
    }

    [TestMethod]
    public void TryNext_AfterAnError_GivesNothingMore()
    {
        using var receiver = new NetstringDecoder(10);
        CollectionAssert.AreEqual(new[] { "a" }, Drain(receiver, "1:a,x1:b,"u8));
        Assert.AreEqual(NetstringStatus.BadLength, receiver.Error);
        Assert.AreEqual(4, receiver.Position);
        Assert.IsEmpty(Drain(receiver, "1:c,"u8));
    }

    [TestMethod]
    public void TryNext_TooLong_IsRefusedBeforeAnythingIsKept()
    {
        using var receiver = new NetstringDecoder(1000);
        long allocated = DeferredTests.Allocated(() => Assert.IsEmpty(Drain(receiver, "1001:"u8)), warm: false);
        Assert.AreEqual(NetstringStatus.TooLong, receiver.Error);
        Assert.IsFalse(receiver.HeldBytes > 0);
        Assert.IsLessThan(1000, allocated);
    }

    [TestMethod]
    public void TryNext_AnnouncedButNotSent_KeepsWhatHasComeOnly()
    {
        using var receiver = new NetstringDecoder(100_000_000);
        long allocated = DeferredTests.Allocated(() => Assert.IsEmpty(Drain(receiver, "100000000:x"u8)), warm: false);
        Assert.IsTrue(receiver.HeldBytes > 0);
        Assert.IsLessThan(100_000, allocated);
    }

    [TestMethod]
    public void Dispose_GivesTheBufferBack()
    {
        var receiver = new NetstringDecoder(10);
        Assert.IsEmpty(Drain(receiver, "5:hel"u8));
        receiver.Dispose();
        Assert.IsFalse(receiver.HeldBytes > 0);
    }

    [TestMethod]
    public void TryNext_StringsThatFitTheirPiece_AllocateNothing()
    {
        using var receiver = new NetstringDecoder(1000);
        byte[] piece = Encoding.ASCII.GetBytes("5:hello,0:,3:abc,");
        Assert.AreEqual(0, DeferredTests.Allocated(() => Count(receiver, piece)));
        byte[] cut = Encoding.ASCII.GetBytes("lo,5:hello,5:hel");
        Count(receiver, Encoding.ASCII.GetBytes("5:hel"));
        Assert.AreEqual(0, DeferredTests.Allocated(() => Count(receiver, cut)), "cut ones live in pooled buffers");
    }

    /// <summary>
    /// Aim: how a stream is cut does not matter. Method: random streams, good and bad, cut at random, against the same
    /// stream in one piece. POETRY_SEED repeats a run.
    /// </summary>
    [TestMethod]
    public void TryNext_AnyCut_ComesToTheSameAsTheWhole()
    {
        int seed = Environment.GetEnvironmentVariable("POETRY_SEED") is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        TestContext.WriteLine($"POETRY_SEED={seed}");
        var random = new Random(seed);
        for (int round = 0; round < 3000; round++)
        {
            byte[] stream = RandomStream(random);
            const int Max = 9000;
            using var whole = new NetstringDecoder(Max);
            List<string> expected = Drain(whole, stream);
            using var cut = new NetstringDecoder(Max);
            var got = new List<string>();
            for (int at = 0; at < stream.Length;)
            {
                int length = Math.Min(stream.Length - at, random.Next(4) == 0 ? random.Next(1, 6000) : random.Next(1, 8));
                got.AddRange(Drain(cut, stream.AsSpan(at, length)));
                at += length;
            }

            string what = $"POETRY_SEED={seed}, round {round}, stream {Encoding.Latin1.GetString(stream)}";
            CollectionAssert.AreEqual(expected, got, what);
            Assert.AreEqual(whole.Error, cut.Error, what);
            Assert.AreEqual(whole.Position, cut.Position, what);
            Assert.IsTrue(cut.Error is not null || cut.PendingCount == whole.PendingCount, what);
        }
    }

    private static byte[] RandomStream(Random random)
    {
        var stream = new List<byte>();
        for (int strings = random.Next(6); strings > 0; strings--)
        {
            byte[] payload = new byte[random.Next(5) == 0 ? random.Next(10_000) : random.Next(30)];
            random.NextBytes(payload);
            byte[] netstring = new byte[Netstring.EncodedLength(payload.Length)];
            _ = Netstring.TryWrite(payload, netstring, out _);
            stream.AddRange(netstring);
        }

        byte[] bytes = [.. stream];
        if (bytes.Length > 0 && random.Next(3) == 0)
        {
            bytes[random.Next(bytes.Length)] = (byte)"0123456789:,x+"[random.Next(14)];
        }

        return random.Next(3) == 0 ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }

    private static List<string> Drain(NetstringDecoder receiver, ReadOnlySpan<byte> data)
    {
        var strings = new List<string>();
        while (receiver.TryNext(ref data, out ReadOnlySpan<byte> payload))
        {
            strings.Add(Encoding.Latin1.GetString(payload));
        }

        return strings;
    }

    private static int Count(NetstringDecoder receiver, ReadOnlySpan<byte> data)
    {
        int count = 0;
        while (receiver.TryNext(ref data, out _))
        {
            count++;
        }

        return count;
    }
}
