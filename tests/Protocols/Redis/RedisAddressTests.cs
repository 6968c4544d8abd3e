using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>Addresses of Redis: what they say, and one line for each wrong one that shows nothing of the password.</summary>
[TestClass]
public sealed class RedisAddressTests
{
    [TestMethod]
    [DataRow("redis://localhost", "redis://localhost:6379")]
    [DataRow("redis://localhost:7000", "redis://localhost:7000")]
    [DataRow("redis://unix:7000", "redis://unix:7000")]
    [DataRow("REDIS://10.0.0.1/", "redis://10.0.0.1:6379")]
    [DataRow("redis://10.0.0.1/0", "redis://10.0.0.1:6379")]
    [DataRow("redis://10.0.0.1/15", "redis://10.0.0.1:6379/15")]
    [DataRow("redis://[::1]/2", "redis://[::1]:6379/2")]
    [DataRow("redis://[::1]:7000", "redis://[::1]:7000")]
    [DataRow("redis://a,b:7000,[fe80::1]:7001/3", "redis://a:6379,b:7000,[fe80::1]:7001/3")]
    [DataRow("redis://user:secret@a,b/1", "redis://a:6379,b:6379/1")]
    [DataRow("unix:redis.sock", "unix:redis.sock")]
    [DataRow("unix:/run/redis.sock?db=4", "unix:/run/redis.sock?db=4")]
    public void TryParse_ReadsServersAndDatabase_AndShowsNoPassword(string text, string shown)
    {
        Assert.IsTrue(RedisAddress.TryParse(text, out RedisAddress? address, out string? problem), problem);
        Assert.AreEqual(shown, address.ToString());
    }

    [TestMethod]
    [DataRow("redis://a", null, null)]
    [DataRow("redis://:secret@a", null, "secret")]
    [DataRow("redis://user:secret@a", "user", "secret")]
    [DataRow("redis://us%65r:s%40%2f%25%3A%C3%a9:x@a", "user", "s@/%:é:x")]
    [DataRow("redis://user:@a", "user", "")]
    [DataRow("redis://:@a", null, "")]
    public void TryParse_DecodesUserAndPassword(string text, string? user, string? password)
    {
        Assert.IsTrue(RedisAddress.TryParse(text, out RedisAddress? address, out string? problem), problem);
        Assert.AreEqual(user, address.User is { } name ? Encoding.UTF8.GetString(name) : null);
        Assert.AreEqual(password, address.Password is { } word ? Encoding.UTF8.GetString(word) : null);
        Assert.AreEqual(password is not null, address.HasPassword);
    }

    [TestMethod]
    [DataRow("redis://user@a", "user", "environment")]
    [DataRow("redis://a", null, "environment")]
    [DataRow("unix:a", null, "environment")]
    [DataRow("redis://user:own@a", "user", "own")]
    public void TryParse_TakesThePasswordFromElsewhere_WhereTheAddressHasNone(string text, string? user, string password)
    {
        Assert.IsTrue(RedisAddress.TryParse(text, out RedisAddress? address, out string? problem, "environment"), problem);
        Assert.AreEqual(user, address.User is { } name ? Encoding.UTF8.GetString(name) : null);
        Assert.AreEqual(password, Encoding.UTF8.GetString(address.Password!));
    }

    [TestMethod]
    [DataRow("", "expected redis://")]
    [DataRow("secret", "expected redis://")]
    [DataRow("secret:6379", "expected redis://")]
    [DataRow("http://secret", "expected redis://")]
    [DataRow("redis:secret", "expected redis://")]
    [DataRow("rediss://user:secret@a", "TLS")]
    [DataRow("REDISS://user:secret@a", "TLS")]
    [DataRow("redis://", "there is no host")]
    [DataRow("redis:///0", "there is no host")]
    [DataRow("redis://:6379", "there is no host")]
    [DataRow("redis://:secret@", "there is no host")]
    [DataRow("redis://a,", "there is no host")]
    [DataRow("redis://a,,b", "there is no host")]
    [DataRow("redis://:secret@a:", "a port is a number")]
    [DataRow("redis://:secret@a:0", "a port is a number")]
    [DataRow("redis://:secret@a:65536", "a port is a number")]
    [DataRow("redis://:secret@a:x", "a port is a number")]
    [DataRow("redis://:secret@a:1:2", "a port is a number")]
    [DataRow("redis://:secret@a:+1", "a port is a number")]
    [DataRow("redis://[::1", "a host is a name")]
    [DataRow("redis://[secret]", "a host is a name")]
    [DataRow("redis://[::1]x", "a host is a name")]
    [DataRow("redis://::1", "an IPv6 address needs brackets")]
    [DataRow("redis://:secret@a,::1:6379", "an IPv6 address needs brackets")]
    [DataRow("redis://fe80::1", "an IPv6 address needs brackets")]
    [DataRow("redis://a b", "a host is a name")]
    [DataRow("redis://6379", "a host is a name")]
    [DataRow("redis://a?db=1", "a host is a name")]
    [DataRow("redis://unix:/secret", "the number of the database")]
    [DataRow("redis://a/x", "the number of the database")]
    [DataRow("redis://a/-1", "the number of the database")]
    [DataRow("redis://a/1/2", "the number of the database")]
    [DataRow("redis://a/9999999999", "the number of the database")]
    [DataRow("redis://user@a", "the user has no password")]
    [DataRow("redis://:sec@ret@a", "is written %40")]
    [DataRow("redis://:sec/ret@a", "is written %40")]
    [DataRow("redis://:sec?ret@a", "is written %40")]
    [DataRow("redis://:sec#ret@a", "is written %40")]
    [DataRow("redis://:secret%@a", "two hexadecimal digits")]
    [DataRow("redis://:secret%4@a", "two hexadecimal digits")]
    [DataRow("redis://:secret%4g@a", "two hexadecimal digits")]
    [DataRow("redis://%:secret@a", "two hexadecimal digits")]
    [DataRow("unix:", "there is no path")]
    [DataRow("unix:?db=1", "there is no path")]
    [DataRow("unix:a?db=", "the number of the database")]
    [DataRow("unix:a?db=x", "the number of the database")]
    [DataRow("unix:a?secret", "?db=N")]
    [DataRow("unix:a\0", "zero byte")]
    public void TryParse_Wrong_IsOneLine_AndQuotesNothing(string text, string expected)
    {
        Assert.IsFalse(RedisAddress.TryParse(text, out RedisAddress? address, out string? problem));
        Assert.IsNull(address);
        Assert.Contains(expected, problem);
        Assert.DoesNotContain("\n", problem);
        Assert.DoesNotContain("secret", problem);
    }

    [TestMethod]
    public void TryParse_PathOfTheLongestSocket_IsRead_AndALongerOneIsNot()
    {
        int longest = System.OperatingSystem.IsLinux() ? 107 : 103;
        Assert.IsTrue(RedisAddress.TryParse("unix:" + new string('p', longest), out RedisAddress? address, out _));
        Assert.IsTrue(address.Endpoints[0].IsUnix);
        Assert.IsFalse(RedisAddress.TryParse("unix:" + new string('p', longest + 1), out _, out string? problem));
        Assert.Contains("too long", problem);
    }
}
