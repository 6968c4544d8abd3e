using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class EndpointTests
{
    [TestMethod]
    [DataRow("10001", "127.0.0.1:10001")]
    [DataRow("1", "127.0.0.1:1")]
    [DataRow("65535", "127.0.0.1:65535")]
    [DataRow("0080", "127.0.0.1:80")]
    [DataRow("localhost:80", "localhost:80")]
    [DataRow("poems.example.:80", "poems.example.:80")]
    [DataRow("my_box-1:80", "my_box-1:80")]
    [DataRow("10.1.2.255:80", "10.1.2.255:80")]
    [DataRow("[::1]:80", "[::1]:80")]
    [DataRow("[fe80::1%3]:80", "[fe80::1%3]:80")]
    [DataRow("unix:poem.sock", "unix:poem.sock")]
    [DataRow("unix:/run/a:b=c", "unix:/run/a:b=c")]
    public void TryParse_Address_IsShownAsTypedWithTheDefaultHost(string text, string shown)
    {
        Assert.IsTrue(Endpoint.TryParse(text, out Endpoint? endpoint, out string? problem), problem);
        Assert.AreEqual(shown, endpoint.ToString());
    }

    [TestMethod]
    [DataRow("abc", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("-5", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("+5", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("1.5", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("٣", "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("0", "a port is a number from 1 to 65535")]
    [DataRow("65536", "a port is a number from 1 to 65535")]
    [DataRow("99999999999999999999", "a port is a number from 1 to 65535")]
    [DataRow("host:", "there is no port after the colon")]
    [DataRow("host:http", "a port is a number from 1 to 65535")]
    [DataRow("host: 80", "a port is a number from 1 to 65535")]
    [DataRow(":80", "there is no host")]
    [DataRow("ho st:80", "'ho st' is no host name")]
    [DataRow("a..b:80", "'a..b' is no host name")]
    [DataRow(".a:80", "'.a' is no host name")]
    [DataRow("-a:80", "'-a' is no host name")]
    [DataRow("ho/st:80", "'ho/st' is no host name")]
    [DataRow("1.2.3:80", "'1.2.3' is no IPv4 address")]
    [DataRow("1.2.3.4.5:80", "'1.2.3.4.5' is no IPv4 address")]
    [DataRow("1.2.3.256:80", "'1.2.3.256' is no IPv4 address")]
    [DataRow("010.0.0.1:80", "'010.0.0.1' is no IPv4 address")]
    [DataRow("1.2.3.:80", "'1.2.3.' is no IPv4 address")]
    [DataRow("127:80", "'127' is no IPv4 address")]
    [DataRow("::1", "an IPv6 address needs brackets, as in [::1]:10001")]
    [DataRow("::1:80", "an IPv6 address needs brackets, as in [::1]:10001")]
    [DataRow("[::1]", "there is no port after the bracket, as in [::1]:10001")]
    [DataRow("[::1]80", "there is no port after the bracket, as in [::1]:10001")]
    [DataRow("[::1]:", "there is no port after the colon")]
    [DataRow("[::1", "the bracket is not closed")]
    [DataRow("[127.0.0.1]:80", "between the brackets is no IPv6 address")]
    [DataRow("[::g]:80", "between the brackets is no IPv6 address")]
    [DataRow("[]:80", "between the brackets is no IPv6 address")]
    [DataRow("unix:", "there is no path after 'unix:'")]
    public void TryParse_NoAddress_SaysWhyInOneLine(string text, string why)
    {
        Assert.IsFalse(Endpoint.TryParse(text, out Endpoint? endpoint, out string? problem));
        Assert.IsNull(endpoint);
        Assert.AreEqual($"'{text}' is not an address: {why}", problem);
    }

    [TestMethod]
    public void TryParse_LongNames_AreRefusedWhereDnsAndTheKernelRefuseThem()
    {
        Assert.IsTrue(Endpoint.TryParse(new string('a', 63) + ":80", out _, out _));
        Assert.IsFalse(Endpoint.TryParse(new string('a', 64) + ":80", out _, out _));
        string name = string.Join('.', new string('a', 63), new string('b', 63), new string('c', 63), new string('d', 61));
        Assert.AreEqual(253, name.Length);
        Assert.IsTrue(Endpoint.TryParse(name + ":80", out _, out _));
        Assert.IsFalse(Endpoint.TryParse(name + "d:80", out _, out _));
        Assert.IsTrue(Endpoint.TryParse("unix:" + new string('p', 103), out _, out _));
        Assert.IsFalse(Endpoint.TryParse("unix:" + new string('p', 108), out _, out _));
        Assert.IsFalse(Endpoint.TryParse("unix:" + new string('ö', 54), out _, out _), "bytes count, not characters");
    }

    [TestMethod]
    public void TryParseListening_PortZero_IsAskedFor()
    {
        Assert.IsTrue(Endpoint.TryParseListening("0", out Endpoint? endpoint, out _));
        Assert.AreEqual("127.0.0.1:0", endpoint.ToString());
        Assert.IsTrue(Endpoint.TryParseListening("[::]:0", out endpoint, out _));
        Assert.AreEqual("[::]:0", endpoint.ToString());
        Assert.IsFalse(Endpoint.TryParseListening("65536", out _, out string? problem));
        Assert.AreEqual("'65536' is not an address: a port is a number from 0 to 65535", problem);
    }

    [TestMethod]
    public void WithDefaultHost_HostTyped_Stays()
    {
        Assert.IsTrue(Endpoint.TryParse("80", out Endpoint? bare, out _));
        Assert.IsTrue(Endpoint.TryParse("127.0.0.1:80", out Endpoint? typed, out _));
        Assert.IsTrue(Endpoint.TryParse("unix:p", out Endpoint? unix, out _));
        Assert.AreEqual("[::1]:80", bare.WithDefaultHost("::1").ToString());
        Assert.AreEqual("127.0.0.1:80", typed.WithDefaultHost("::1").ToString());
        Assert.AreEqual("unix:p", unix.WithDefaultHost("::1").ToString());
    }

    [TestMethod]
    [DataRow("::1", "::1")]
    [DataRow("[::1]", "::1")]
    [DataRow("0.0.0.0", "0.0.0.0")]
    [DataRow("localhost", "localhost")]
    public void TryParseHost_Host_LosesItsBrackets(string text, string expected)
    {
        Assert.IsTrue(Endpoint.TryParseHost(text, out string? host, out _));
        Assert.AreEqual(expected, host);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("1.2.3")]
    [DataRow("host:80")]
    [DataRow("[::1]:80")]
    [DataRow("[localhost]")]
    [DataRow("a b")]
    public void TryParseHost_NoHost_IsRefused(string text)
    {
        Assert.IsFalse(Endpoint.TryParseHost(text, out _, out string? problem));
        StringAssert.StartsWith(problem, $"'{text}' is not a host: ", System.StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("1.2.3.4:80")]
    [DataRow("host:80")]
    public void TryParseHost_WithAPort_SaysThatThePortIsWrong(string text)
    {
        Assert.IsFalse(Endpoint.TryParseHost(text, out _, out string? problem));
        Assert.AreEqual($"'{text}' is not a host: a port is not part of it", problem);
    }

    [TestMethod]
    [DataRow("127.0.0.1:80")]
    [DataRow("[::1]:80")]
    [DataRow("[fe80::1%3]:80")]
    [DataRow("unix:/tmp/p")]
    public void TryGetAddress_Numeric_IsTheKernelsAddress(string text)
    {
        Assert.IsTrue(Endpoint.TryParse(text, out Endpoint? endpoint, out _));
        Assert.IsTrue(endpoint.TryGetAddress(out SocketAddress address));
        Assert.AreEqual(text, address.ToString());
    }

    [TestMethod]
    public void TryGetAddress_Name_IsForTheResolver()
    {
        Assert.IsTrue(Endpoint.TryParse("localhost:80", out Endpoint? endpoint, out _));
        Assert.IsFalse(endpoint.TryGetAddress(out _));
    }

    [TestMethod]
    public void Equals_SamePlace_HoweverTyped()
    {
        Assert.IsTrue(Endpoint.TryParse("80", out Endpoint? bare, out _));
        Assert.IsTrue(Endpoint.TryParse("127.0.0.1:80", out Endpoint? typed, out _));
        Assert.AreEqual(bare, typed);
        Assert.AreEqual(bare.GetHashCode(), typed.GetHashCode());
        Assert.AreNotEqual(bare, Endpoint.Tcp("127.0.0.1", 81));
        Assert.AreNotEqual(bare, Endpoint.Unix("80"));
    }
}
