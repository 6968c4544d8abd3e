using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>One netstring taken apart as it comes: the right ones, those at the edge, and all that must be refused.</summary>
[TestClass]
public sealed class FrameReaderTests
{
    [TestMethod]
    [DataRow("0:,", "")]
    [DataRow("1:a,", "a")]
    [DataRow("5:a,b:c,", "a,b:c")]
    [DataRow("12:hello world!,", "hello world!")]
    [DataRow("10:0123456789,", "0123456789")]
    public void TryRead_ANetstring_InAnyParts_IsItsString(string wire, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(wire);
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
            {
                string what = $"split at {first} and {second}";
                (bool isRight, FrameReader reader, string got) = Read(bytes[..first], bytes[first..second], bytes[second..]);
                Assert.IsTrue(isRight, what);
                Assert.IsTrue(reader.Complete, what);
                Assert.AreEqual(expected, got, what);
                Assert.AreEqual(expected.Length, reader.Length, what);
            }
        }
    }

    [TestMethod]
    [DataRow("00:,")]
    [DataRow("01:a,")]
    [DataRow("007:abcdefg,")]
    [DataRow(":,")]
    [DataRow(",")]
    [DataRow("-1:a,")]
    [DataRow("+1:a,")]
    [DataRow(" 1:a,")]
    [DataRow("1 :a,")]
    [DataRow("1a:a,")]
    [DataRow("0x1:a,")]
    [DataRow("1;a,")]
    [DataRow("1:ab")]
    [DataRow("3:abc;")]
    [DataRow("0:x")]
    [DataRow("1\n:a,")]
    [DataRow("9999999999999999999:")]
    [DataRow("99999999999999999999999999999999:")]
    public void TryRead_NoNetstring_IsRefusedHoweverItComes(string wire)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(wire);
        for (int split = 0; split <= bytes.Length; split++)
        {
            (bool isRight, FrameReader reader, _) = Read(bytes[..split], bytes[split..]);
            Assert.IsFalse(isRight, $"split at {split}");
            Assert.IsFalse(reader.Complete);
        }
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("3")]
    [DataRow("3:")]
    [DataRow("3:ab")]
    [DataRow("3:abc")]
    public void TryRead_CutOff_IsNotComplete(string wire)
    {
        (bool isRight, FrameReader reader, _) = Read(Encoding.UTF8.GetBytes(wire));
        Assert.IsTrue(isRight);
        Assert.IsFalse(reader.Complete);
        Assert.AreEqual(wire.Contains(':', StringComparison.Ordinal), reader.HasLength);
    }

    [TestMethod]
    public void TryRead_EighteenDigits_AreALength()
    {
        (bool isRight, FrameReader reader, _) = Read(Encoding.UTF8.GetBytes("999999999999999999:"));
        Assert.IsTrue(isRight);
        Assert.AreEqual(999_999_999_999_999_999, reader.Length);
    }

    [TestMethod]
    public void TryRead_MoreBehindIt_IsLeft()
    {
        FrameReader reader = default;
        ReadOnlySpan<byte> input = "3:abc,5:"u8;
        Assert.IsTrue(reader.TryRead(ref input, out ReadOnlySpan<byte> payload));
        Assert.IsTrue(payload.SequenceEqual("abc"u8));
        Assert.IsTrue(reader.Complete);
        Assert.IsTrue(input.SequenceEqual("5:"u8));
    }

    [TestMethod]
    public void TryRead_ALongOne_KeepsNothing()
    {
        byte[] block = new byte[1 << 20];
        FrameReader reader = default;
        ReadOnlySpan<byte> head = "104857600:"u8;
        Assert.IsTrue(reader.TryRead(ref head, out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        long got = 0;
        for (int i = 0; i < 100; i++)
        {
            ReadOnlySpan<byte> input = block;
            Assert.IsTrue(reader.TryRead(ref input, out ReadOnlySpan<byte> payload));
            got += payload.Length;
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(100 << 20, got);
        ReadOnlySpan<byte> tail = ","u8;
        Assert.IsTrue(reader.TryRead(ref tail, out _));
        Assert.IsTrue(reader.Complete);
    }

    private static (bool IsRight, FrameReader Reader, string Got) Read(params byte[][] parts)
    {
        FrameReader reader = default;
        var got = new List<byte>();
        foreach (byte[] part in parts)
        {
            ReadOnlySpan<byte> input = part;
            while (!input.IsEmpty && !reader.Complete)
            {
                if (!reader.TryRead(ref input, out ReadOnlySpan<byte> payload))
                {
                    return (false, reader, string.Empty);
                }

                got.AddRange(payload);
            }
        }

        return (true, reader, Encoding.UTF8.GetString(got.ToArray()));
    }
}
