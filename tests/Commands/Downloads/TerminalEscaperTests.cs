using System.Text;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class TerminalEscaperTests
{
    private static readonly byte[] Poem =
        [.. "ecstasy\n\tä \x1b]0;title\a \u009b2J \u202egnp 🎭 \x7f"u8, 0xFF, .. "end"u8, 0xF0, 0x9F, 0x8E];

    private const string Shown =
        "ecstasy\n\tä \\x1B]0;title\\x07 \\x9B2J \\u202Egnp 🎭 \\x7F\\xFFend\\xF0\\x9F\\x8E";

    [TestMethod]
    public void Write_EverySplitInTwo_ShowsTheSame()
    {
        for (int split = 0; split <= Poem.Length; split++)
        {
            Assert.AreEqual(Shown, Show(Poem.AsSpan(0, split).ToArray(), Poem.AsSpan(split).ToArray()), $"split at {split}");
        }
    }

    [TestMethod]
    public void Write_OneByteAtATime_ShowsTheSame() =>
        Assert.AreEqual(Shown, Show(Array.ConvertAll(Poem, b => new[] { b })));

    [TestMethod]
    public void Write_TheEndComesAlone_ShowsTheSame() => Assert.AreEqual(Shown, Show(Poem, []));

    [TestMethod]
    public void Write_LongText_IsShownInPieces()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(new string('\x1b', 10_000));
        string shown = Show(bytes);
        Assert.AreEqual(40_000, shown.Length);
        Assert.AreEqual(string.Empty, shown.Replace("\\x1B", string.Empty, StringComparison.Ordinal));
    }

    [TestMethod]
    public void Write_ErrorOfTheWriter_EndsIt()
    {
        int calls = 0;
        Errno error = new TerminalEscaper().Write(new byte[100_000], isFinal: true, _ => ++calls == 2 ? Errno.ENOSPC : Errno.None);
        Assert.AreEqual(Errno.ENOSPC, error);
        Assert.AreEqual(2, calls);
    }

    private static string Show(params byte[][] pieces)
    {
        var escaper = new TerminalEscaper();
        var shown = new StringBuilder();
        for (int i = 0; i < pieces.Length; i++)
        {
            Errno error = escaper.Write(pieces[i], isFinal: i == pieces.Length - 1, bytes =>
            {
                _ = shown.Append(Encoding.UTF8.GetString(bytes));
                return Errno.None;
            });
            Assert.AreEqual(Errno.None, error);
        }

        return shown.ToString();
    }
}
