namespace Poetry.Tests.House;

/// <summary>The reader behind the house rules: what it takes for code, and what not.</summary>
[TestClass]
public sealed class SourceTests
{
    [TestMethod]
    [DataRow("Banned.Call();", 1)]
    [DataRow("x.Banned.Call();", 0, DisplayName = "a member of something else")]
    [DataRow("NotBanned.Call();", 0, DisplayName = "the end of another word")]
    [DataRow("// Banned.Call", 0, DisplayName = "a comment")]
    [DataRow("/* Banned.Call */ x", 0, DisplayName = "a long comment")]
    [DataRow("/* a */ Banned.Call /* b */", 1, DisplayName = "between comments")]
    [DataRow("\"Banned.Call\"", 0, DisplayName = "a string")]
    [DataRow("\"a\\\"Banned.Call\"", 0, DisplayName = "behind an escaped quote")]
    [DataRow("\"a\" + Banned.Call + \"b\"", 1, DisplayName = "between strings")]
    [DataRow("@\"\\\" + Banned.Call", 1, DisplayName = "behind a verbatim string")]
    [DataRow("\"\"\"a \" Banned.Call \"\"\" + 1", 0, DisplayName = "a raw string")]
    [DataRow("'\"' + Banned.Call + '\"'", 1, DisplayName = "between quotes that are characters")]
    [DataRow("Banned.Call(Banned.Call)", 2, DisplayName = "twice")]
    public void Find_LooksAtCodeOnly(string text, int count)
    {
        Assert.HasCount(count, new Source("a.cs", text).Find("Banned.Call"));
    }

    [TestMethod]
    public void Find_TellsTheLine()
    {
        Assert.AreEqual("a.cs:3", new Source("a.cs", "/* a\n*/\nBanned").Find("Banned").Single());
    }
}
