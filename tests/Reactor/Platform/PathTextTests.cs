using System.Linq;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class PathTextTests
{
    [TestMethod]
    [DataRow("")]
    [DataRow("/tmp/poem.txt")]
    [DataRow("perché/𐐀/\uFFFD")]
    public void Decode_OfUtf8_IsThatText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.AreEqual(text, PathText.Decode(bytes));
        CollectionAssert.AreEqual(bytes, Encode(text));
    }

    /// <summary>Every byte alone, behind and before others, and every pair: what came in comes out.</summary>
    [TestMethod]
    public void Encode_OfWhatWasDecoded_IsWhatItWas()
    {
        for (int first = 0; first < 256; first++)
        {
            for (int second = 0; second < 256; second++)
            {
                byte[] bytes = [(byte)first, (byte)second, (byte)'a', (byte)first, 0xC3, (byte)second];
                CollectionAssert.AreEqual(bytes, Encode(PathText.Decode(bytes)), $"{first:X2} {second:X2}");
            }
        }
    }

    [TestMethod]
    public void Decode_OfLatin1_CanBeShown() =>
        Assert.AreEqual("caf\\xE9.txt", TextEscaper.EscapeLine(PathText.Decode([.. "caf"u8, 0xE9, .. ".txt"u8])));

    [TestMethod]
    public void TryEncode_IntoTooLittle_IsFalse()
    {
        foreach (string text in new[] { "abc", "aé", "ab\uDCE9" })
        {
            int length = Encode(text).Length;
            Assert.IsFalse(PathText.TryEncode(text, new byte[length - 1], out _), text);
            Assert.IsTrue(PathText.TryEncode(text, new byte[length], out _), text);
        }
    }

    private static byte[] Encode(string text)
    {
        byte[] bytes = new byte[64];
        Assert.IsTrue(PathText.TryEncode(text, bytes, out int written));
        return [.. bytes.Take(written)];
    }
}
