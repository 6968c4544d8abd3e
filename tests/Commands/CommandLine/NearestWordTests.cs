using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class NearestWordTests
{
    [TestMethod]
    [DataRow("", "", 0)]
    [DataRow("", "abc", 3)]
    [DataRow("serve", "serve", 0)]
    [DataRow("serv", "serve", 1)]
    [DataRow("sevre", "serve", 1, DisplayName = "a swap is one mistake")]
    [DataRow("kitten", "sitting", 3)]
    [DataRow("ca", "abc", 3, DisplayName = "no letter is swapped and then changed")]
    public void Distance_CountsMistakes(string a, string b, int expected)
    {
        Assert.AreEqual(expected, NearestWord.Distance(a, b));
        Assert.AreEqual(expected, NearestWord.Distance(b, a));
    }

    [TestMethod]
    public void Find_ALongWord_IsNearNothing() => Assert.IsNull(NearestWord.Find(new string('a', 10_000), ["serve"]));

    [TestMethod]
    [DataRow("prxoy", "proxy")]
    [DataRow("trans", "transform")]
    [DataRow("gt", "get")]
    [DataRow("GET", "get")]
    [DataRow("zzz", null)]
    public void Find_SeveralWords_TheNearestIsFound(string typed, string? expected) =>
        Assert.AreEqual(expected, NearestWord.Find(typed, CommandLine.Root.Subcommands.ConvertAll(command => command.Name)));
}
