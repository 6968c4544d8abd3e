using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Tests.Testing;
using SocketAddress = Poetry.Net.SocketAddress;

namespace Poetry.Tests.Net;

/// <summary>Which addresses lead back to a port of this process, and that they are not connected to.</summary>
[TestClass]
public sealed class OwnAddressesTests
{
    private readonly OwnAddresses _own = new();
    private readonly ScriptedFactory _serving = new();

    [TestMethod]
    [DataRow("127.0.0.1", "127.0.0.1", true)]
    [DataRow("127.0.0.1", "::ffff:127.0.0.1", true)]
    [DataRow("127.0.0.1", "0.0.0.0", true)]
    [DataRow("127.0.0.1", "127.0.0.2", false)]
    [DataRow("127.0.0.2", "0.0.0.0", false)]
    [DataRow("127.0.0.1", "::1", false)]
    [DataRow("0.0.0.0", "127.0.0.2", true)]
    [DataRow("0.0.0.0", "::1", false)]
    [DataRow("0.0.0.0", "192.0.2.77", false, DisplayName = "another machine")]
    [DataRow("::", "127.0.0.1", false)]
    [DataRow("::", "::1", true)]
    [DataRow("::1", "::", true)]
    [DataRow("::1", "0:0::1", true)]
    public void Reaches_TheAddressAndPort_IsItself(string listener, string destination, bool expected)
    {
        SocketAddress at = Address(listener, 17);
        Assert.AreEqual(expected, OwnAddresses.Reaches(Address(destination, 17), at, takesIPv4: false));
        Assert.IsFalse(OwnAddresses.Reaches(Address(destination, 18), at, takesIPv4: true));
    }

    /// <summary>A socket of systemd's listens for both families unless it is told not to.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Reaches_AListenerOfBothFamilies_ByBoth(bool both)
    {
        using var loop = new TurnedReactor("select");
        _ = TurnedReactor.AnyPort6;
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = both };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        socket.Listen();
        ushort port = (ushort)((IPEndPoint)socket.LocalEndPoint!).Port;
        _own.Add(loop.Reactor.AdoptListener(Posix.Duplicate(socket.Handle), _serving));
        Assert.AreEqual(both, _own.Reaches(Address("127.0.0.1", port)));
        Assert.IsTrue(_own.Reaches(Address("::1", port)));
    }

    /// <summary>An address of an interface, where there is one besides loopback.</summary>
    [TestMethod]
    public void Reaches_AListenerOnAllAddresses_ByEachThatIsHere()
    {
        IPAddress[] here = [.. from network in NetworkInterface.GetAllNetworkInterfaces()
                               from unicast in network.GetIPProperties().UnicastAddresses
                               where unicast.Address.AddressFamily == AddressFamily.InterNetwork
                               select unicast.Address];
        Assert.IsNotEmpty(here);
        foreach (IPAddress address in here)
        {
            Assert.IsTrue(OwnAddresses.Reaches(SocketAddress.Ip(address, 17), Address("0.0.0.0", 17), takesIPv4: true), $"{address}");
        }
    }

    [TestMethod]
    public void Reaches_AUnixSocket_ByEveryPathThatLeadsThere()
    {
        using var folder = new TemporaryFolder();
        using var loop = new TurnedReactor("select");
        ListeningPort port = loop.Reactor.ListenUnix(folder["a.sock"], _serving);
        _own.Add(port);
        _ = File.CreateSymbolicLink(folder["b.sock"], "a.sock");
        _ = Directory.CreateSymbolicLink(folder["self"], ".");
        Assert.IsTrue(_own.Reaches(SocketAddress.Unix(folder["a.sock"])));
        Assert.IsTrue(_own.Reaches(SocketAddress.Unix(folder["b.sock"])));
        Assert.IsTrue(_own.Reaches(SocketAddress.Unix(folder["self/self/b.sock"])));
        Assert.IsFalse(_own.Reaches(SocketAddress.Unix(folder["c.sock"])));
        File.Move(folder["a.sock"], folder["c.sock"]);
        using ListeningSocket another = new(folder["a.sock"]);
        Assert.IsFalse(_own.Reaches(SocketAddress.Unix(folder["a.sock"])), "another's socket has the name now");
    }

    [TestMethod]
    public void Connect_ToItself_FailsWithoutAConnection()
    {
        using var loop = new TurnedReactor("select");
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _serving);
        _own.Add(port);
        var asking = new ScriptedFactory { Avoided = _own };
        _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), asking, TimeSpan.FromHours(1));
        loop.Until(() => asking.ConnectFailures.Count == 1, "the refusal");
        Assert.AreEqual("the upstream is this server itself", asking.ConnectFailures[0].Message);
        Assert.IsEmpty(asking.Built);
        Assert.AreEqual(0, port.Accepted);
    }

    private static SocketAddress Address(string host, ushort port) => SocketAddress.Ip(IPAddress.Parse(host), port);

    private sealed class ListeningSocket : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        public ListeningSocket(string path)
        {
            _socket.Bind(new UnixDomainSocketEndPoint(path));
        }

        public void Dispose() => _socket.Dispose();
    }
}
