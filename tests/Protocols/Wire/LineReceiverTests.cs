using System;
using System.Collections.Generic;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>Lines and netstrings as protocols, cut anywhere.</summary>
[TestClass]
public sealed class LineReceiverTests
{
    [TestMethod]
    public void Lines_CutAnywhere_AreTheSame()
    {
        const string Text = "one\r\n\r\ntwo three\r\nfour\r\n";
        for (int cut = 0; cut <= Text.Length; cut++)
        {
            var lines = new Lines();
            MemoryTransport transport = MemoryTransport.Connect(lines);
            transport.PeerSends(Text[..cut]);
            transport.PeerSends(Text[cut..]);
            CollectionAssert.AreEqual(new[] { "one", "", "two three", "four" }, lines.Got, $"cut at {cut}");
            transport.PeerResets();
        }
    }

    [TestMethod]
    public void RawMode_PassesOnWhatIsBehindTheLine_AndBack()
    {
        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends("raw 4\r\nbodynext\r\n");
        CollectionAssert.AreEqual(new[] { "raw 4", "<body>", "next" }, lines.Got);
        transport.PeerResets();
    }

    [TestMethod]
    public void ALineThatIsTooLong_ResetsTheConnection()
    {
        MemoryTransport transport = MemoryTransport.Connect(new Lines());
        transport.PeerSends(new string('x', 100) + "\r\n");
        Assert.AreEqual(WireEnd.None, transport.End, "as long as allowed");
        transport.PeerSends(new string('x', 103));
        Assert.AreEqual(WireEnd.Reset, transport.End);
        Assert.IsTrue(transport.Finish());
    }

    [TestMethod]
    public void SendLine_AddsTheDelimiter()
    {
        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        lines.SendLine("hello"u8);
        Assert.AreEqual("hello\r\n", transport.SentText);
        transport.PeerResets();
    }

    [TestMethod]
    public void Netstrings_BadInput_ResetsTheConnection()
    {
        var strings = new Strings();
        MemoryTransport transport = MemoryTransport.Connect(strings);
        transport.PeerSends("2:ok,3:abc;");
        Assert.AreEqual("ok", strings.Got[0]);
        Assert.AreEqual(WireEnd.Reset, transport.End);
        Assert.IsTrue(transport.Finish());
    }

    [TestMethod]
    public void Netstrings_AfterLoseConnection_NoStringIsDelivered()
    {
        var strings = new Strings { ClosesAfterFirst = true };
        MemoryTransport transport = MemoryTransport.Connect(strings);
        strings.SendString("hi"u8);
        transport.PeerSends("1:a,1:b,");
        CollectionAssert.AreEqual(new[] { "a" }, strings.Got);
        Assert.AreEqual("2:hi,", transport.SentText);
        transport.PeerEnds();
        Assert.IsTrue(transport.Finish());
    }

    private sealed class Lines() : LineReceiver(maxLength: 100)
    {
        private int _raw;

        public List<string> Got { get; } = [];

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            string text = Encoding.UTF8.GetString(line);
            Got.Add(text);
            if (text.StartsWith("raw ", StringComparison.Ordinal))
            {
                _raw = text[4] - '0';
                SetRawMode();
            }
        }

        protected override void RawDataReceived(ReadOnlySpan<byte> data)
        {
            Got.Add($"<{Encoding.UTF8.GetString(data[.._raw])}>");
            SetLineMode(data[_raw..]);
        }
    }

    private sealed class Strings : NetstringReceiver
    {
        public bool ClosesAfterFirst { get; init; }

        public List<string> Got { get; } = [];

        protected override void StringReceived(ReadOnlySpan<byte> payload)
        {
            Got.Add(Encoding.UTF8.GetString(payload));
            if (ClosesAfterFirst)
            {
                Transport.LoseConnection();
            }
        }
    }
}
