using System.Buffers.Binary;
using System.Net;
using System.Text;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>The PROXY protocol's header, version 1 and 2, cut anywhere.</summary>
[TestClass]
public sealed class ProxyHeaderTests
{
    private static readonly byte[] Signature = [.. "\r\n\r\n\0\r\nQUIT\n"u8];

    [TestMethod]
    [DataRow("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324")]
    [DataRow("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535")]
    [DataRow("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0")]
    [DataRow("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "[2001:db8::1]:56324")]
    [DataRow("PROXY TCP6 :: ::1 1 2\r\n", "[::]:1")]
    [DataRow("PROXY TCP6 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: 1 2\r\n", "[1:2:3:4:5:6:7:8]:1")]
    [DataRow("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1")]
    [DataRow("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [DataRow("PROXY UNKNOWN\r\n", null)]
    [DataRow("PROXY UNKNOWN ffff:f anything at all 65535\r\n", null)]
    public void Text_Valid_GivesItsSource(string header, string? source) => AssertParsed(Encoding.ASCII.GetBytes(header), source);

    [TestMethod]
    [DataRow("GET / HTTP/1.1\r\n")]
    [DataRow("PROXY\r\n")]
    [DataRow("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4\r\n")]
    [DataRow("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")]
    [DataRow("PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n")]
    [DataRow("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n")]
    [DataRow("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n")]
    [DataRow("PROXY TCP4 ::1 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1.2.3.4 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1::2::3 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1:2:3:4:5:6:7:: 1:2:3:4:5:6:7:8:: 1 2\r\n")]
    [DataRow("PROXY TCP6 ::12345 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1: ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 :1 ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 ::g ::1 1 2\r\n")]
    [DataRow("PROXY TCP6 1:2:3:4:5:6:7:1.2.3.4 ::1 1 2\r\n")]
    public void Text_Invalid_IsRefused(string header) =>
        Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(Encoding.ASCII.GetBytes(header), out _));

    [TestMethod]
    public void Text_LongerThan107Bytes_IsRefused()
    {
        byte[] longest = Encoding.ASCII.GetBytes($"PROXY UNKNOWN {new string('x', 107 - 16)}\r\n");
        Assert.HasCount(107, longest);
        AssertParsed(longest, null);
        byte[] tooLong = Encoding.ASCII.GetBytes($"PROXY UNKNOWN {new string('x', 108 - 16)}\r\n");
        Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(tooLong, out _));
        Assert.AreEqual(ProxyHeader.Status.Incomplete, ProxyHeader.Parse(tooLong.AsSpan(0, 106), out _));
        Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(tooLong.AsSpan(0, 107), out _));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(7)]
    [DataRow(4096 - 16 - 36)]
    public void Binary_Valid_GivesItsSource_WhateverTlvsFollow(int tlvBytes)
    {
        AssertParsed(Binary(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 1, 187], tlvBytes), "192.0.2.1:56324");
        byte[] six = [.. IPAddress.Parse("2001:db8::1").GetAddressBytes(), .. new byte[16], 0xDC, 0x04, 1, 187];
        AssertParsed(Binary(0x21, 0x21, six, tlvBytes), "[2001:db8::1]:56324");
        byte[] mapped = [.. IPAddress.Parse("::ffff:192.0.2.1").GetAddressBytes(), .. new byte[16], 0, 1, 0, 2];
        AssertParsed(Binary(0x21, 0x21, mapped, tlvBytes), "192.0.2.1:1");
        AssertParsed(Binary(0x21, 0x00, [], tlvBytes), null);
        AssertParsed(Binary(0x20, 0x00, [], tlvBytes), null);
        AssertParsed(Binary(0x20, 0x11, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], tlvBytes), null);
    }

    [TestMethod]
    public void Binary_OfAUnixSocket_IsAnUnnamedOne() => AssertParsed(Binary(0x21, 0x31, new byte[216], 3), "unix:");

    [TestMethod]
    [DataRow(0x11, 0x11, 12, "version 1")]
    [DataRow(0x22, 0x11, 12, "an unknown command")]
    [DataRow(0x21, 0x12, 12, "UDP")]
    [DataRow(0x21, 0x22, 36, "UDP on IPv6")]
    [DataRow(0x21, 0x32, 216, "datagrams")]
    [DataRow(0x21, 0x41, 12, "an unknown family")]
    [DataRow(0x21, 0x11, 11, "too short for IPv4")]
    [DataRow(0x21, 0x21, 35, "too short for IPv6")]
    [DataRow(0x21, 0x31, 215, "too short for Unix")]
    [DataRow(0x21, 0x11, 4081, "too long")]
    [DataRow(0x20, 0x00, 65535, "the longest there is")]
    public void Binary_Invalid_IsRefused(int versionAndCommand, int family, int length, string why)
    {
        byte[] header = Binary((byte)versionAndCommand, (byte)family, new byte[length], 0);
        Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(header, out _), why);
        Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(header.AsSpan(0, 16), out _), "as soon as it can be told");
    }

    [TestMethod]
    public void Garbage_IsRefusedAtItsFirstWrongByte()
    {
        foreach (byte[] start in new[] { Signature, "PROXY "u8.ToArray() })
        {
            for (int i = 0; i < start.Length; i++)
            {
                byte[] wrong = [.. start[..i], (byte)(start[i] ^ 0x55)];
                Assert.AreEqual(ProxyHeader.Status.Invalid, ProxyHeader.Parse(wrong, out _), $"byte {i}");
            }
        }
    }

    [TestMethod]
    public void RandomBytes_NeverThrow()
    {
        var random = new Random(1);
        byte[] text = Encoding.ASCII.GetBytes("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n");
        byte[] binary = Binary(0x21, 0x11, new byte[12], 5);
        for (int i = 0; i < 50_000; i++)
        {
            byte[] bytes = (byte[])(i % 2 == 0 ? text : binary).Clone();
            for (int changes = random.Next(4); changes >= 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = i % 3 == 0 ? (byte)":. 0\r"[random.Next(5)] : (byte)random.Next(256);
            }

            ProxyHeader.Status status = ProxyHeader.Parse(bytes, out ProxyHeader header);
            Assert.IsTrue(status != ProxyHeader.Status.Complete || header.Length <= bytes.Length);
        }
    }

    /// <summary>Complete with just all of its bytes, whatever follows; incomplete with fewer.</summary>
    private static void AssertParsed(byte[] bytes, string? source)
    {
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.AreEqual(ProxyHeader.Status.Incomplete, ProxyHeader.Parse(bytes.AsSpan(0, length), out _), $"{length} bytes");
        }

        foreach (byte[] rest in new byte[][] { [], [.. "PROXY "u8], new byte[5000] })
        {
            Assert.AreEqual(ProxyHeader.Status.Complete, ProxyHeader.Parse([.. bytes, .. rest], out ProxyHeader header));
            Assert.AreEqual(bytes.Length, header.Length);
            Assert.AreEqual(source, header.Source?.ToString());
        }
    }

    private static byte[] Binary(byte versionAndCommand, byte family, byte[] addresses, int tlvBytes)
    {
        byte[] header = [.. Signature, versionAndCommand, family, 0, 0, .. addresses, .. Enumerable.Repeat((byte)0xEA, tlvBytes)];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)(header.Length - 16));
        return header;
    }
}
