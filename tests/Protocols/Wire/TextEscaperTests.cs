using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class TextEscaperTests
{
    [TestMethod]
    [DataRow("plain text, äöü 詩 🎭", "plain text, äöü 詩 🎭")]
    [DataRow("", "")]
    [DataRow("a\nb\tc\r", "a\\x0Ab\\x09c\\x0D")]
    [DataRow("\0\x1f\x7f", "\\x00\\x1F\\x7F")]
    [DataRow("\u0080\u009b2J\u009f\u00a0", "\\x80\\x9B2J\\x9F\u00a0")]
    [DataRow("\u202etxt\u202c\u2066\u2069\u200e\u200f\u061c", "\\u202Etxt\\u202C\\u2066\\u2069\\u200E\\u200F\\u061C")]
    [DataRow("\u2028\u2029", "\\u2028\\u2029")]
    [DataRow("\u2027\u202f\u2065\u206a", "\u2027\u202f\u2065\u206a", DisplayName = "their neighbours pass")]
    [DataRow("back\\slash \"quote\"", "back\\slash \"quote\"")]
    public void Line_WhatCouldMislead_IsShown(string text, string expected)
    {
        Assert.AreEqual(expected, TextEscaper.EscapeLine(text));
        Assert.AreEqual(expected, Utf8(Encoding.UTF8.GetBytes(text), EscapeMode.Line));
    }

    [TestMethod]
    public void Line_HalfOfASurrogatePair_IsShown() => Assert.AreEqual("a\\uD83Db", TextEscaper.EscapeLine("a\ud83db"));

    [TestMethod]
    public void Text_NewlineAndTab_Pass() =>
        Assert.AreEqual("a\nb\tc\\x0D\\x1B[2J", Utf8("a\nb\tc\r\x1b[2J"u8, EscapeMode.Text));

    [TestMethod]
    public void Json_IsTheInsideOfAString() =>
        Assert.AreEqual("\\\"q\\\" \\\\ \\n \\t \\u0000 \\u001B \\u0080 \\u202E \\u00FF ä/",
            Utf8([.. "\"q\" \\ \n \t \0 \x1b \u0080 \u202e "u8, 0xFF, .. " ä/"u8], EscapeMode.Json));

    [TestMethod]
    [DataRow(new byte[] { 0x80 }, "\\x80")]
    [DataRow(new byte[] { 0x9B, (byte)'A' }, "\\x9BA")]
    [DataRow(new byte[] { 0xC0, 0x80 }, "\\xC0\\x80", DisplayName = "a zero in too many bytes")]
    [DataRow(new byte[] { 0xE2, 0x80 }, "\\xE2\\x80")]
    [DataRow(new byte[] { 0xE2, 0x80, (byte)'A' }, "\\xE2\\x80A")]
    [DataRow(new byte[] { 0xF0, 0x9F, 0x8E }, "\\xF0\\x9F\\x8E")]
    [DataRow(new byte[] { 0xED, 0xA0, 0x80 }, "\\xED\\xA0\\x80", DisplayName = "a surrogate")]
    [DataRow(new byte[] { 0xFF, 0xFE }, "\\xFF\\xFE")]
    public void Utf8_WhatIsNot_IsShownByteByByte(byte[] bytes, string expected) =>
        Assert.AreEqual(expected, Utf8(bytes, EscapeMode.Line));

    [TestMethod]
    public void Utf8_AnyLengthOfDestination_NeverHoldsAPart()
    {
        byte[] source = [.. "ab\x1b"u8, .. "ä\u202e🎭"u8, 0xFF, .. "z"u8];
        string whole = Utf8(source, EscapeMode.Line);
        for (int size = 6; size < 40; size++)
        {
            var text = new StringBuilder();
            var buffer = new byte[size];
            ReadOnlySpan<byte> rest = source;
            while (!rest.IsEmpty)
            {
                TextEscaper.EscapeUtf8(rest, buffer, EscapeMode.Line, isFinal: true, out int consumed, out int written);
                Assert.IsTrue(consumed > 0, $"stuck with {size} bytes");
                string part = Encoding.UTF8.GetString(buffer, 0, written);
                Assert.IsFalse(part.Contains('\ufffd', StringComparison.Ordinal), part);
                _ = text.Append(part);
                rest = rest[consumed..];
            }

            Assert.AreEqual(whole, text.ToString());
        }
    }

    [TestMethod]
    public void Utf8_UnfinishedCharacter_WaitsForTheRest()
    {
        byte[] buffer = new byte[64];
        TextEscaper.EscapeUtf8([(byte)'a', 0xE2, 0x80], buffer, EscapeMode.Text, isFinal: false, out int consumed, out int written);
        Assert.AreEqual(1, consumed);
        Assert.AreEqual(1, written);
    }

    [TestMethod]
    public void Excerpt_LongInput_IsCutAt200BytesAndSaysHowLongItWas()
    {
        Assert.AreEqual("a\\x0Ab", TextEscaper.Excerpt("a\nb"u8));
        Assert.AreEqual(new string('x', 200), TextEscaper.Excerpt(Encoding.ASCII.GetBytes(new string('x', 200))));
        Assert.AreEqual(new string('x', 200) + "... (201 bytes)", TextEscaper.Excerpt(Encoding.ASCII.GetBytes(new string('x', 201))));

        // A character across the cut is left out, not shown as broken.
        byte[] cut = Encoding.UTF8.GetBytes(new string('x', 199) + "ä");
        Assert.AreEqual(new string('x', 199) + "... (201 bytes)", TextEscaper.Excerpt(cut));
    }

    [TestMethod]
    public void Excerpt_AllEscaped_HasRoom() =>
        Assert.AreEqual(200 * 4 + "... (300 bytes)".Length, TextEscaper.Excerpt(new byte[300]).Length);

    private static string Utf8(ReadOnlySpan<byte> source, EscapeMode mode)
    {
        byte[] buffer = new byte[source.Length * TextEscaper.MaxEscapeLength];
        TextEscaper.EscapeUtf8(source, buffer, mode, isFinal: true, out int consumed, out int written);
        Assert.AreEqual(source.Length, consumed);
        return Encoding.UTF8.GetString(buffer, 0, written);
    }
}
