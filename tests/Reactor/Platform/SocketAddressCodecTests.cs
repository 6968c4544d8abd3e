using Poetry.Net;
using IPAddress = System.Net.IPAddress;

namespace Poetry.Tests.Net;

/// <summary>The bytes of addresses as each system has them, whatever system this is; for little-endian machines.</summary>
[TestClass]
public sealed class SocketAddressCodecTests
{
    private readonly byte[] _sockaddr = new byte[SocketAddressCodec.MaxLengthBytes];

    public static IEnumerable<object[]> Systems => [["linux"], ["macos"], ["freebsd"], ["windows"]];

    [TestMethod]
    [DataRow("linux", "0200-2711-7F000001-0000000000000000")]
    [DataRow("macos", "1002-2711-7F000001-0000000000000000")]
    [DataRow("freebsd", "1002-2711-7F000001-0000000000000000")]
    [DataRow("windows", "0200-2711-7F000001-0000000000000000")]
    public void Encode_IPv4_IsTheSystemsStruct(string system, string bytes) =>
        AssertBytes(bytes, SocketAddress.Ip(IPAddress.Loopback, 10001), system);

    [TestMethod]
    [DataRow("linux", "0A00-0050-00000000-FE800000000000000000000000000001-07000000")]
    [DataRow("macos", "1C1E-0050-00000000-FE800000000000000000000000000001-07000000")]
    [DataRow("freebsd", "1C1C-0050-00000000-FE800000000000000000000000000001-07000000")]
    [DataRow("windows", "1700-0050-00000000-FE800000000000000000000000000001-07000000")]
    public void Encode_IPv6WithScope_IsTheSystemsStruct(string system, string bytes) =>
        AssertBytes(bytes, SocketAddress.Ip(IPAddress.Parse("fe80::1%7"), 80), system);

    [TestMethod]
    [DataRow("linux", "0100-2F612E7300")]
    [DataRow("macos", "0701-2F612E7300")]
    [DataRow("freebsd", "0701-2F612E7300")]
    [DataRow("windows", "0100-2F612E7300")]
    public void Encode_Path_IsTheSystemsStruct(string system, string bytes) =>
        AssertBytes(bytes, SocketAddress.Unix("/a.s"), system);

    [TestMethod]
    [DynamicData(nameof(Systems))]
    public void Decode_WhatWasEncoded_IsTheSame(string system)
    {
        SocketAddress[] addresses =
        [
            SocketAddress.Ip(IPAddress.Any, 0),
            SocketAddress.Ip(IPAddress.Parse("192.0.2.7"), 65535),
            SocketAddress.Ip(IPAddress.IPv6Loopback, 1),
            SocketAddress.Ip(IPAddress.Parse("fe80::2%9"), 80),
            SocketAddress.Unix("poem.sock"),
            SocketAddress.Unix("/tmp/köln.sock"),
        ];
        foreach (SocketAddress address in addresses)
        {
            Assert.AreEqual(Errno.None, Encode(address, system, out int length));
            Assert.AreEqual(address, SocketAddressCodec.Decode(_sockaddr.AsSpan(0, length), LayoutOf(system)));
        }
    }

    [TestMethod]
    [DataRow("linux", 107)]
    [DataRow("macos", 103)]
    public void Encode_LongestPath_FitsAndOneMoreDoesNot(string system, int longest)
    {
        Assert.AreEqual(Errno.None, Encode(SocketAddress.Unix(new string('x', longest)), system, out int length));
        Assert.AreEqual(2 + longest + 1, length);
        Assert.AreEqual(Errno.ENAMETOOLONG, Encode(SocketAddress.Unix(new string('x', longest + 1)), system, out _));
        Assert.AreEqual(Errno.ENAMETOOLONG, Encode(SocketAddress.Unix(new string('x', longest - 1) + "ö"), system, out _));
    }

    [TestMethod]
    public void Encode_AbstractName_IsForLinuxOnly()
    {
        var address = SocketAddress.Unix("\0poem");
        Assert.AreEqual(Errno.None, Encode(address, "linux", out int length));
        Assert.AreEqual(2 + 5, length);
        Assert.AreEqual(address, SocketAddressCodec.Decode(_sockaddr.AsSpan(0, length), SockaddrLayout.Linux));
        Assert.AreEqual(Errno.EINVAL, Encode(address, "macos", out _));
    }

    [TestMethod]
    [DynamicData(nameof(Systems))]
    public void Encode_WhatNamesNothing_IsRefused(string system)
    {
        Assert.AreEqual(Errno.EINVAL, Encode(default, system, out _));
        Assert.AreEqual(Errno.EINVAL, Encode(SocketAddress.Unix(string.Empty), system, out _));
        Assert.AreEqual(Errno.EINVAL, Encode(SocketAddress.Unix("a\0b"), system, out _));
    }

    [TestMethod]
    [DynamicData(nameof(Systems))]
    public void Decode_TooShortOrUnknown_IsNoAddress(string system)
    {
        SockaddrLayout layout = LayoutOf(system);
        Assert.AreEqual(default, SocketAddressCodec.Decode([], layout));
        Assert.AreEqual(default, SocketAddressCodec.Decode([2], layout));
        Assert.AreEqual(default, SocketAddressCodec.Decode([99, 99, 0, 0, 0, 0, 0, 0], layout));
        Assert.AreEqual(Errno.None, Encode(SocketAddress.Ip(IPAddress.IPv6Loopback, 1), system, out int length));
        Assert.AreEqual(default, SocketAddressCodec.Decode(_sockaddr.AsSpan(0, length - 1), layout));
    }

    [TestMethod]
    [DynamicData(nameof(Systems))]
    public void Decode_UnnamedUnixSocket_HasAnEmptyPath(string system)
    {
        Assert.AreEqual(Errno.None, Encode(SocketAddress.Unix("x"), system, out _));
        _sockaddr.AsSpan(2).Clear();
        Assert.AreEqual(SocketAddress.Unix(string.Empty), SocketAddressCodec.Decode(_sockaddr.AsSpan(0, 2), LayoutOf(system)));
        Assert.AreEqual(SocketAddress.Unix(string.Empty), SocketAddressCodec.Decode(_sockaddr.AsSpan(0, 16), LayoutOf(system)));
    }

    private static SockaddrLayout LayoutOf(string system) => system switch
    {
        "linux" => SockaddrLayout.Linux,
        "macos" => SockaddrLayout.MacOS,
        "freebsd" => SockaddrLayout.FreeBSD,
        _ => SockaddrLayout.Windows,
    };

    private Errno Encode(in SocketAddress address, string system, out int length) =>
        SocketAddressCodec.Encode(address, LayoutOf(system), _sockaddr, out length);

    private void AssertBytes(string bytes, in SocketAddress address, string system)
    {
        Array.Fill(_sockaddr, (byte)0xEE); // what was there before does not show through
        Assert.AreEqual(Errno.None, Encode(address, system, out int length));
        Assert.AreEqual(bytes.Replace("-", string.Empty, StringComparison.Ordinal), Convert.ToHexString(_sockaddr, 0, length));
    }
}
