using System.Net;
using Poetry.Net;
using SocketAddress = Poetry.Net.SocketAddress;

namespace Poetry.Tests.Net;

/// <summary>How many connections one client address may have.</summary>
[TestClass]
public sealed class AddressLimitTests
{
    [TestMethod]
    public void TryEnter_AtTheLimit_IsRefused_UntilOneHasLeft()
    {
        var limit = new AddressLimit(2);
        Assert.IsTrue(limit.TryEnter(Address("192.0.2.1", 1)));
        Assert.IsTrue(limit.TryEnter(Address("192.0.2.1", 2)));
        Assert.IsFalse(limit.TryEnter(Address("192.0.2.1", 3)));
        Assert.IsTrue(limit.TryEnter(Address("192.0.2.2", 1)), "another client");
        limit.Leave(Address("192.0.2.1", 1));
        Assert.IsTrue(limit.TryEnter(Address("192.0.2.1", 3)));
        Assert.IsFalse(limit.TryEnter(Address("192.0.2.1", 4)));
    }

    [TestMethod]
    [DataRow("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true)]
    [DataRow("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [DataRow("192.0.2.1", "::ffff:192.0.2.1", true)]
    [DataRow("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [DataRow("0.0.0.1", "::1", false)]
    public void AClient_IsAnAddressOfIPv4_OrANetworkOfIPv6(string one, string another, bool same)
    {
        var limit = new AddressLimit(1);
        Assert.IsTrue(limit.TryEnter(Address(one, 1)));
        Assert.AreEqual(!same, limit.TryEnter(Address(another, 2)));
    }

    [TestMethod]
    public void UnixClients_DoNotCount()
    {
        var limit = new AddressLimit(1);
        for (int i = 0; i < 3; i++)
        {
            Assert.IsTrue(limit.TryEnter(SocketAddress.Unix(string.Empty)));
        }

        limit.Leave(SocketAddress.Unix(string.Empty));
    }

    private static SocketAddress Address(string text, ushort port) => SocketAddress.Ip(IPAddress.Parse(text), port);
}
