using Microsoft.VisualStudio.TestTools.UnitTesting;
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
    public void Offer_LongWords_AreNotNear()
    {
        var nearest = new NearestWord(new string('a', 10_000));
        nearest.Offer("serve");
        Assert.IsNull(nearest.Found);
    }

    [TestMethod]
    [DataRow("prxoy", "proxy")]
    [DataRow("trans", "transform")]
    [DataRow("gt", "get")]
    [DataRow("zzz", null)]
    public void Offer_SeveralWords_TheNearestIsFound(string typed, string? expected)
    {
        var nearest = new NearestWord(typed);
        foreach (CommandSchema command in CommandLine.Root.Subcommands)
        {
            nearest.Offer(command.Name);
        }

        Assert.AreEqual(expected, nearest.Found);
    }
}
