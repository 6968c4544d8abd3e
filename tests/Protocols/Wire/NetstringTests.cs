using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>The codec alone.</summary>
[TestClass]
public sealed class NetstringTests
{
    [TestMethod]
    [DataRow("0:,", "", 3)]
    [DataRow("5:hello,", "hello", 8)]
    [DataRow("5:hello,rest", "hello", 8)]
    [DataRow("9:12345678,,", "12345678,", 12)]
    [DataRow("10:1234567890,", "1234567890", 14)]
    public void Read_Whole_GivesTheStringAndItsEnd(string input, string expected, int end)
    {
        NetstringStatus status = Netstring.Read(Bytes(input), 10, out ReadOnlySpan<byte> payload, out int consumed);
        Assert.AreEqual(NetstringStatus.Complete, status);
        Assert.AreEqual(expected, Encoding.Latin1.GetString(payload));
        Assert.AreEqual(end, consumed);
    }

    [TestMethod]
    public void Read_AnyBeginningOfIt_IsIncomplete()
    {
        byte[] whole = Bytes("10:1234567890,");
        for (int length = 0; length < whole.Length; length++)
        {
            NetstringStatus status = Netstring.Read(whole.AsSpan(0, length), 10, out _, out int consumed);
            Assert.AreEqual(NetstringStatus.Incomplete, status);
            Assert.AreEqual(0, consumed);
        }
    }

    [TestMethod]
    [DataRow(":,")]
    [DataRow("00:,")]
    [DataRow("01:a,")]
    [DataRow("01")]
    [DataRow("+1:a,")]
    [DataRow("-1:a,")]
    [DataRow(" 1:a,")]
    [DataRow("1 :a,")]
    [DataRow("0x1:a,")]
    [DataRow("a")]
    [DataRow("\n1:a,")]
    [DataRow("1\n:a,")]
    [DataRow("1;a,")]
    [DataRow("\u00b2:ab,")]
    [DataRow("\0")]
    public void Read_NoLength_IsBad(string input) => Assert.AreEqual(NetstringStatus.BadLength, StatusOf(input, 99_999));

    [TestMethod]
    [DataRow("6", 5)]
    [DataRow("10:", 5)]
    [DataRow("100000:", 99_999)]
    [DataRow("4294967296:", int.MaxValue)]
    [DataRow("4294967297:a,", 5)]
    [DataRow("2147483648", int.MaxValue)]
    [DataRow("18446744073709551617:a,", 5)]
    [DataRow("99999999999999999999999999999999999999999999999999", int.MaxValue)]
    [DataRow("1:a,", 0)]
    public void Read_MoreThanAllowed_IsRefusedByItsDigits(string input, int max) =>
        Assert.AreEqual(NetstringStatus.TooLong, StatusOf(input, max));

    [TestMethod]
    [DataRow("1:ab,")]
    [DataRow("0:;")]
    [DataRow("5:hello\n")]
    public void Read_NoComma_IsAnError(string input) => Assert.AreEqual(NetstringStatus.MissingComma, StatusOf(input, 99_999));

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(9)]
    [DataRow(10)]
    [DataRow(99)]
    [DataRow(100)]
    [DataRow(12_345)]
    public void TryWrite_IsReadAgain_AndFitsExactly(int length)
    {
        byte[] payload = new byte[length];
        new Random(length).NextBytes(payload);
        byte[] written = new byte[Netstring.EncodedLength(length)];
        Assert.IsFalse(Netstring.TryWrite(payload, written.AsSpan(1), out int none));
        Assert.AreEqual(0, none);
        Assert.IsTrue(Netstring.TryWrite(payload, written, out int count));
        Assert.AreEqual(written.Length, count);
        Assert.AreEqual(NetstringStatus.Complete, Netstring.Read(written, length, out ReadOnlySpan<byte> read, out _));
        Assert.IsTrue(read.SequenceEqual(payload));
    }

    [TestMethod]
    public void WriteHeader_OfTheLargest_FitsTheLargestHeader()
    {
        Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
        Assert.AreEqual(Netstring.MaxHeaderLength, Netstring.WriteHeader(long.MaxValue, header));
        Assert.ThrowsExactly<ArgumentException>(() => Netstring.WriteHeader(10, new byte[2]));
    }

    private static NetstringStatus StatusOf(string input, int max) => Netstring.Read(Bytes(input), max, out _, out _);

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
