using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>Which proxies can be, and where they listen.</summary>
[TestClass]
public sealed class ProxiedPoemTests
{
    [TestMethod]
    [DataRow("10001", "127.0.0.1:10000 127.0.0.1:10001")]
    [DataRow("unix:poem.sock", "127.0.0.1:10000 unix:poem.sock")]
    [DataRow("10=a.example:11 unix:b.sock=[::1]:12", "127.0.0.1:10 a.example:11|unix:b.sock [::1]:12")]
    [DataRow("10=20 20=30", "127.0.0.1:10 127.0.0.1:20|127.0.0.1:20 127.0.0.1:30", DisplayName = "one behind the other")]
    [DataRow("5=[::1]:5", "127.0.0.1:5 [::1]:5", DisplayName = "the other family")]
    [DataRow("0.0.0.0:5=[::1]:5", "0.0.0.0:5 [::1]:5", DisplayName = "all of the other family")]
    [DataRow("127.0.0.2:5=127.0.0.1:5", "127.0.0.2:5 127.0.0.1:5")]
    [DataRow("a.example:5=b.example:5", "a.example:5 b.example:5")]
    public void AProxy_GetsItsAddress(string arguments, string expected)
    {
        ProxiedPoem[] proxied = new ParsedCommand(Line(arguments)).Proxied;
        Assert.AreEqual(expected, string.Join('|', proxied.Select(poem => $"{poem.Listen} {poem.Upstream}")));
    }

    [TestMethod]
    [DataRow("", "no address given (try 'poetry proxy --help')")]
    [DataRow("10001 10002", "two proxies on 127.0.0.1:10000: say PORT=ADDRESS for each")]
    [DataRow("10=nowhere", "'nowhere' is not an address")]
    [DataRow("10000", "127.0.0.1:10000 is the proxy itself")]
    [DataRow("unix:a.sock=unix:a.sock", "unix:a.sock is the proxy itself")]
    [DataRow("a.example:5=A.Example:5", "A.Example:5 is the proxy itself")]
    [DataRow("a.example:5=a.example:5", "a.example:5 is the proxy itself")]
    [DataRow("5=localhost:5", "localhost:5 is the proxy itself, on 127.0.0.1:5")]
    [DataRow("5=a.example:5,LocalHost:5", "LocalHost:5 is the proxy itself, on 127.0.0.1:5")]
    [DataRow("[::1]:5=localhost:5", "localhost:5 is the proxy itself, on [::1]:5")]
    [DataRow("[::]:5=127.0.0.1:5", "127.0.0.1:5 is the proxy itself, on [::]:5")]
    [DataRow("[::]:5=localhost:5", "localhost:5 is the proxy itself, on [::]:5")]
    [DataRow("0.0.0.0:5=localhost:5", "localhost:5 is the proxy itself, on 0.0.0.0:5")]
    [DataRow("localhost:5=5", "127.0.0.1:5 is the proxy itself, on localhost:5")]
    public void WhatCannotBe_IsRefused(string arguments, string problem) =>
        Assert.StartsWith($"poetry proxy: {problem}", CommandLine.Parse(Line(arguments)).Text);

    /// <summary>With a port for those that name none.</summary>
    private static string[] Line(string arguments)
    {
        string[] words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool allHavePorts = words.All(word => word.Contains('=', StringComparison.Ordinal));
        return ["proxy", .. words, .. allHavePorts ? [] : (string[])["--port", "10000"]];
    }
}
