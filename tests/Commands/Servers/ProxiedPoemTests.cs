using System.IO;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Tests.Testing;

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
    [DataRow("[::]:5=127.0.0.1:5", "[::]:5 127.0.0.1:5", DisplayName = "all of the other family")]
    [DataRow("127.0.0.2:5=127.0.0.1:5", "127.0.0.2:5 127.0.0.1:5")]
    [DataRow("a.example:5=b.example:5", "a.example:5 b.example:5")]
    public void TryPlace_GivesEachItsPlace(string arguments, string places)
    {
        Assert.IsTrue(TryPlace(arguments, out ProxiedPoem[] placed, out string? problem), problem);
        Assert.AreEqual(places, string.Join('|', placed.Select(poem => $"{poem.Listen} {poem.Upstream}")));
    }

    [TestMethod]
    [DataRow("", "no address given (try 'poetry proxy --help')")]
    [DataRow("10001 10002", "two proxies on 127.0.0.1:10000: say PORT=ADDRESS for each")]
    [DataRow("10=nowhere", "'nowhere' is not an address")]
    [DataRow("10000", "127.0.0.1:10000 is the proxy itself")]
    [DataRow("localhost:10000", "localhost:10000 is the proxy itself")]
    [DataRow("0.0.0.0:5=127.0.0.2:5", "127.0.0.2:5 is the proxy itself")]
    [DataRow("5=0.0.0.0:5", "0.0.0.0:5 is the proxy itself")]
    [DataRow("LOCALHOST:10000", "LOCALHOST:10000 is the proxy itself")]
    [DataRow("localhost.:10000", "localhost.:10000 is the proxy itself")]
    [DataRow("[::ffff:127.0.0.1]:10000", "[::ffff:127.0.0.1]:10000 is the proxy itself")]
    [DataRow("[::ffff:0.0.0.0]:10000", "[::ffff:0.0.0.0]:10000 is the proxy itself")]
    [DataRow("[::1]:5=[0::0:1]:5", "[0::0:1]:5 is the proxy itself")]
    [DataRow("[::1]:5=[::]:5", "[::]:5 is the proxy itself")]
    [DataRow("[::1]:5=Localhost:5", "Localhost:5 is the proxy itself")]
    [DataRow("a.example:5=A.Example.:5", "A.Example.:5 is the proxy itself")]
    [DataRow("unix:a.sock=unix:a.sock", "unix:a.sock is the proxy itself")]
    [DataRow("unix:a.sock=unix:./a.sock", "unix:./a.sock is the proxy itself")]
    [DataRow("10=20 20=30 30=10", "127.0.0.1:20 leads back to the proxy itself")]
    [DataRow("9=10 10=20 20=10", "127.0.0.1:20 leads back to the proxy itself", DisplayName = "a way into a circle")]
    public void TryPlace_RefusesWhatCannotBe(string arguments, string problem)
    {
        Assert.IsFalse(TryPlace(arguments, out _, out string? said));
        Assert.StartsWith(problem, said!);
    }

    /// <summary>What the text of a path tells is not where it leads.</summary>
    [TestMethod]
    [DataRow("link/p.sock")]
    [DataRow("link/../real/p.sock")]
    [DataRow("real/./p.sock")]
    public void TryPlace_RefusesAUnixPathThatLeadsBackByALink(string path)
    {
        using var folder = new TemporaryFolder();
        _ = Directory.CreateDirectory(folder["other/real"]);
        _ = Directory.CreateSymbolicLink(folder["real"], folder["other/real"]);
        _ = Directory.CreateSymbolicLink(folder["link"], folder["other/real"]);
        Assert.IsFalse(TryPlace($"unix:{folder["real/p.sock"]}=unix:{folder[path]}", out _, out string? said));
        Assert.Contains("is the proxy itself", said!);
        Assert.IsTrue(TryPlace($"unix:{folder["p.sock"]}=unix:{folder["link/p.sock"]}", out _, out said), said);
    }

    private static bool TryPlace(string arguments, out ProxiedPoem[] placed, out string? problem)
    {
        ListenArgument[] parsed = [.. arguments.Split(' ', System.StringSplitOptions.RemoveEmptyEntries).Select(text =>
        {
            Assert.IsTrue(ListenArgument.TryParse(text, out ListenArgument? argument, out string? why), why);
            return argument!;
        })];
        return ProxiedPoem.TryPlace(parsed, Endpoint.Tcp("127.0.0.1", 10000), "127.0.0.1", out placed, out problem);
    }
}
