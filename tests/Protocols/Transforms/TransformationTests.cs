using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The transformations that are built in, each by itself.</summary>
[TestClass]
public sealed class TransformationTests
{
    private const int FuzzRounds = 20_000;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("", "")]
    [DataRow("HERE IS MY POEM", "here is my poem")]
    [DataRow("A.B. C.D", "a.b. c.d")]
    [DataRow("ÀÉÎÕÜ ÑÇ", "àéîõü ñç")]
    [DataRow("ΣΊΣΥΦΟΣ", "σίσυφοσ")]
    [DataRow("ПОЭЗИЯ", "поэзия")]
    [DataRow("詩 🎵 𐐀", "詩 🎵 𐐨")]
    [DataRow("@[`{\u0001\u007f", "@[`{\u0001\u007f")]
    public void Cummingsify_Text_IsLowerCase(string text, string expected) =>
        Assert.AreEqual(expected, Transform("cummingsify", text));

    [TestMethod]
    [DataRow("", "")]
    [DataRow("here is my poem", "HERE IS MY POEM")]
    [DataRow("àéîõü ñç", "ÀÉÎÕÜ ÑÇ")]
    [DataRow("straße", "STRAßE")]
    [DataRow("поэзия 𐐨", "ПОЭЗИЯ 𐐀")]
    public void Shout_Text_IsUpperCase(string text, string expected) => Assert.AreEqual(expected, Transform("shout", text));

    [TestMethod]
    public void Cummingsify_CharacterThatGrows_GetsItsRoom()
    {
        // U+023A takes two bytes, its small letter U+2C65 three.
        string text = new('\u023A', 5000);
        Assert.AreEqual(new string('\u2C65', 5000), Transform("cummingsify", text));
    }

    [TestMethod]
    public void Shout_CharacterThatShrinks_LeavesNoHole()
    {
        // U+0250 takes two bytes and its capital U+2C6F three; U+1D79 and U+A77D three each; U+0180 and U+0243 two each.
        Assert.AreEqual("\u2C6F\uA77D\u0243.", Transform("shout", "\u0250\u1D79\u0180."));
        Assert.AreEqual("k\u00E5.", Transform("cummingsify", "K\u212B."));
    }

    [TestMethod]
    [DataRow("", "")]
    [DataRow("Hello, World! 123 é", "Uryyb, Jbeyq! 123 é")]
    [DataRow("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@[`{", "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM@[`{")]
    public void Rot13_Text_IsTurnedByThirteen(string text, string expected) => Assert.AreEqual(expected, Transform("rot13", text));

    [TestMethod]
    public void Rot13_EveryByteAtEveryPlace_IsTurnedAlike()
    {
        for (int value = 0; value < 256; value++)
        {
            char c = (char)value;
            int turned = char.IsAsciiLetterLower(c) ? 'a' + ((value - 'a' + 13) % 26)
                : char.IsAsciiLetterUpper(c) ? 'A' + ((value - 'A' + 13) % 26)
                : value;
            byte[] text = [.. Enumerable.Repeat((byte)value, 53)];
            CollectionAssert.AreEqual(Enumerable.Repeat((byte)turned, 53).ToArray(), Transform("rot13", text), $"byte {value}");
        }
    }

    [TestMethod]
    [DataRow("", "")]
    [DataRow("a", "a")]
    [DataRow("a\nb\nc\n", "c\nb\na\n")]
    [DataRow("a\nb\nc", "c\nb\na")]
    [DataRow("\n", "\n")]
    [DataRow("\n\n", "\n\n")]
    [DataRow("a\n\nb\n", "b\n\na\n")]
    [DataRow("\na\n", "a\n\n")]
    [DataRow("a\n\n", "\na\n")]
    [DataRow("\na\nb", "\nb\na")]
    [DataRow("\n\na", "\n\na")]
    [DataRow("a\r\nb\r\n", "b\r\na\r\n")]
    public void ReverseLines_Text_HasItsLinesTheOtherWayRound(string text, string expected) =>
        Assert.AreEqual(expected, Transform("reverse-lines", text));

    /// <summary>Every text of up to seven bytes out of three that matter: twice is once back.</summary>
    [TestMethod]
    public void ReverseLines_Twice_GivesTheOriginal()
    {
        const string Letters = "ab\n";
        for (int length = 0; length <= 7; length++)
        {
            for (int number = 0; number < Math.Pow(Letters.Length, length); number++)
            {
                var text = new StringBuilder();
                for (int rest = number; text.Length < length; rest /= Letters.Length)
                {
                    _ = text.Append(Letters[rest % Letters.Length]);
                }

                string once = Transform("reverse-lines", text.ToString());
                Assert.AreEqual(text.ToString(), Transform("reverse-lines", once), $"by way of {once}");
                Assert.AreEqual(text.ToString().EndsWith('\n'), once.EndsWith('\n'), "the final newline");
            }
        }
    }

    [TestMethod]
    [DataRow("FF")]
    [DataRow("C3")]
    [DataRow("41 C3 42 80 43")]
    [DataRow("E2 82 41")]
    [DataRow("ED A0 80")]
    [DataRow("F8 88 80 80 80 C0 AF")]
    [DataRow("00 41 00")]
    public void Cummingsify_BytesThatAreNoText_Pass(string hex)
    {
        byte[] text = Convert.FromHexString(hex.Replace(" ", string.Empty, StringComparison.Ordinal));
        byte[] expected = [.. text.Select(b => char.IsAsciiLetterUpper((char)b) ? (byte)(b + 32) : b)];
        CollectionAssert.AreEqual(expected, Transform("cummingsify", text));
    }

    /// <summary>
    /// Aim: whatever comes, nothing throws, ASCII keeps its length, and what is not UTF-8 stays as it is. Method: random
    /// bytes, random ASCII, and text with broken places, against a plain second implementation.
    /// </summary>
    [TestMethod]
    public void LetterCase_AnyBytes_AreMappedWhereTheyAreText()
    {
        Random random = Seed.Start(TestContext);
        for (int round = 0; round < FuzzRounds; round++)
        {
            byte[] text = RandomBytes(random);
            CollectionAssert.AreEqual(Plain(text, Rune.ToLowerInvariant), Transform("cummingsify", text), Convert.ToHexString(text));
            CollectionAssert.AreEqual(Plain(text, Rune.ToUpperInvariant), Transform("shout", text), Convert.ToHexString(text));
        }
    }

    [TestMethod]
    public void AllTransformations_AnyBytes_KeepTheLengthOfAsciiAndThrowNothing()
    {
        Random random = Seed.Start(TestContext);
        TransformService service = TransformService.BuiltIn();
        for (int round = 0; round < FuzzRounds; round++)
        {
            byte[] text = RandomBytes(random);
            foreach (string name in service.Names)
            {
                byte[] transformed = Transform(name, text);
                if (Ascii.IsValid(text))
                {
                    Assert.HasCount(text.Length, transformed, $"{name} of {Convert.ToHexString(text)}");
                }
            }

            CollectionAssert.AreEqual(text, Transform("rot13", Transform("rot13", text)));
            CollectionAssert.AreEqual(text, Transform("reverse-lines", Transform("reverse-lines", text)), Convert.ToHexString(text));
        }
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("a.b")]
    [DataRow("a\nb")]
    public void Name_ThatCouldNotBeAskedFor_IsRefused(string name) =>
        Assert.ThrowsExactly<ArgumentException>(() => new NowTransformation(name, (_, _) => { }));

    internal static byte[] Transform(string name, byte[] text)
    {
        TransformService service = TransformService.BuiltIn();
        Transformation transformation = service.Find(Encoding.UTF8.GetBytes(name))!;
        Assert.IsNotNull(transformation, name);
        var output = new TextBuffer();
        Deferred<TextBuffer>? later = service.Transform(transformation, text, output);
        Assert.IsNull(later, "it is done at once");
        byte[] transformed = output.Text.ToArray();
        output.Release();
        return transformed;
    }

    /// <summary>Aim: the memory that is reserved for an answer is enough. Method: every code point, alone.</summary>
    [TestMethod]
    public void MaxResultLength_OfEveryCodePoint_IsNotExceeded()
    {
        TransformService service = TransformService.BuiltIn();
        var output = new TextBuffer();
        byte[] utf8 = new byte[4];
        foreach (string name in service.Names)
        {
            Transformation transformation = service.Find(Encoding.UTF8.GetBytes(name))!;
            for (int value = 0; value <= 0x10FFFF; value = value == 0xD7FF ? 0xE000 : value + 1)
            {
                int length = new Rune(value).EncodeToUtf8(utf8);
                output.Clear();
                _ = transformation.Apply(utf8.AsSpan(0, length), output);
                Assert.IsLessThanOrEqualTo(transformation.MaxResultLength(length), output.Length, $"{name} of U+{value:X}");
            }
        }

        output.Release();
    }

    private static string Transform(string name, string text) =>
        Encoding.UTF8.GetString(Transform(name, Encoding.UTF8.GetBytes(text)));

    /// <summary>The same, one character at a time.</summary>
    private static byte[] Plain(ReadOnlySpan<byte> text, Func<Rune, Rune> map)
    {
        var mapped = new List<byte>();
        byte[] utf8 = new byte[4];
        while (!text.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done;
            mapped.AddRange(isText ? utf8[..map(rune).EncodeToUtf8(utf8)] : text[..consumed].ToArray());
            text = text[consumed..];
        }

        return [.. mapped];
    }

    private static byte[] RandomBytes(Random random)
    {
        byte[] text = new byte[random.Next(80)];
        random.NextBytes(text);
        switch (random.Next(3))
        {
            case 0:
                break;
            case 1:
                text = [.. text.Select(b => (byte)(b & 0x7F))];
                break;
            default:
                // Letters of two to four bytes, cut anywhere.
                string letters = string.Concat(text.Select(b => (b % 5) switch { 0 => "É", 1 => "ẞ", 2 => "𐐀", 3 => "\n", _ => "x" }));
                text = Encoding.UTF8.GetBytes(letters);
                text = text[random.Next(text.Length + 1)..];
                break;
        }

        return text;
    }
}
