using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class ListenArgumentTests
{
    [TestMethod]
    [DataRow("poem.txt", null, "poem.txt")]
    [DataRow("-", null, "-")]
    [DataRow("10001=poem.txt", "127.0.0.1:10001", "poem.txt")]
    [DataRow("0=poem.txt", "127.0.0.1:0", "poem.txt")]
    [DataRow("10001=-", "127.0.0.1:10001", "-")]
    [DataRow("10001=a=b.txt", "127.0.0.1:10001", "a=b.txt")]
    [DataRow("0.0.0.0:80=poem.txt", "0.0.0.0:80", "poem.txt")]
    [DataRow("[::1]:80=poem.txt", "[::1]:80", "poem.txt")]
    [DataRow("unix:poem.sock=poem.txt", "unix:poem.sock", "poem.txt")]
    [DataRow("fd:web=poem.txt", "fd:web", "poem.txt")]
    [DataRow("./fd:web=poem.txt", null, "./fd:web=poem.txt")]
    [DataRow("10000=host:10001", "127.0.0.1:10000", "host:10001")]
    [DataRow("a=b.txt", null, "a=b.txt")]
    [DataRow("=b.txt", null, "=b.txt")]
    [DataRow("./70000=b.txt", null, "./70000=b.txt")]
    [DataRow("dir/a:1=b", null, "dir/a:1=b")]
    public void TryParse_Argument_IsSplitAtTheFirstEqualsAfterAnAddress(string text, string? listen, string what)
    {
        Assert.IsTrue(ListenArgument.TryParse(text, out ListenArgument? argument, out string? problem), problem);
        Assert.AreEqual(listen, argument.Listen?.ToString());
        Assert.AreEqual(what, argument.What);
    }

    [TestMethod]
    [DataRow("", "an argument is empty")]
    [DataRow("10001=", "'10001=' has nothing after '='")]
    [DataRow("unix:p=", "'unix:p=' has nothing after '='")]
    [DataRow("unix:=a.txt", "'unix:' is not an address: there is no path after 'unix:'")]
    [DataRow("fd:=a.txt", "there is no name after 'fd:'")]
    [DataRow("fd:a:b=a.txt", "'a:b' is not the name of a socket: a colon separates names")]
    [DataRow("70000=a.txt", "'70000' is not an address: a port is a number from 0 to 65535 (a file of this name is ./70000=a.txt)")]
    [DataRow("::1:80=a.txt", "'::1:80' is not an address: an IPv6 address needs brackets")]
    [DataRow("1.2.3:80=a.txt", "'1.2.3:80' is not an address: '1.2.3' is no IPv4 address")]
    [DynamicData(nameof(TooLong))]
    public void TryParse_NearlyAnAddress_IsRefused(string text, string why)
    {
        Assert.IsFalse(ListenArgument.TryParse(text, out _, out string? problem));
        StringAssert.StartsWith(problem, why, StringComparison.Ordinal);
    }

    private static IEnumerable<object[]> TooLong()
    {
        string path = "/" + new string('a', 300);
        yield return [$"unix:{path}=a.txt", $"'unix:{path}' is not an address: the path of a Unix socket has at most "];
    }
}
