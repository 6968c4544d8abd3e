using System.Text;
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
    public void ManyChangesOfMode_InOneRead_NeedNoStack()
    {
        // The peer decides how often the mode changes: a call in a call for each would overflow the stack of the server.
        const int Count = 20_000;
        var text = new StringBuilder();
        for (int i = 0; i < Count; i++)
        {
            _ = text.Append("raw 1\r\nx");
        }

        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends(text.ToString());
        Assert.HasCount(2 * Count, lines.Got);
        Assert.AreEqual("<x>", lines.Got[^1]);
        transport.PeerResets();
    }

    [TestMethod]
    public void RawMode_GivesBackTheRest_WithoutACopy()
    {
        // Copied at each change of mode, a read of 256 KiB with short bodies would cost gigabytes of copies.
        byte[] text = Encoding.UTF8.GetBytes("raw 1\r\nxraw 1\r\nyraw 1\r\nz");
        var lines = new Lines { Whole = text };
        MemoryTransport transport = MemoryTransport.Connect(lines);
        lines.DataReceived(text);
        CollectionAssert.AreEqual(new[] { "raw 1", "<x>", "raw 1", "<y>", "raw 1", "<z>" }, lines.Got);
        Assert.AreEqual(3, lines.RawSlices, "every body is a slice of what was received");
        transport.PeerResets();
    }

    [TestMethod]
    public void Pause_KeepsTheLinesThatHaveArrived_InOrder()
    {
        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends("pause 1\r\npause 2\r\nraw 4\r\nbodyend\r\npa");
        CollectionAssert.AreEqual(new[] { "pause 1" }, lines.Got);
        Assert.IsTrue(transport.IsPaused);
        lines.ResumeProducing();
        CollectionAssert.AreEqual(new[] { "pause 1", "pause 2" }, lines.Got);
        Assert.IsTrue(transport.IsPaused, "paused again while it resumed");
        lines.ResumeProducing();
        CollectionAssert.AreEqual(new[] { "pause 1", "pause 2", "raw 4", "<body>", "end" }, lines.Got);
        Assert.IsFalse(transport.IsPaused);
        transport.PeerSends("rt\r\n");
        Assert.AreEqual("part", lines.Got[^1]);
        transport.PeerResets();
    }

    [TestMethod]
    public void Pause_ThenThePeerEnds_TheLinesComeFirst()
    {
        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends("pause\r\nlast\r\n");
        transport.PeerEnds();
        lines.ResumeProducing();
        Assert.IsTrue(transport.Finish());
        CollectionAssert.AreEqual(new[] { "pause", "last" }, lines.Got);
        lines.ResumeProducing();
    }

    [TestMethod]
    public void RestThatALineGivesBack_ComesBehindTheOtherInput()
    {
        var lines = new Lines();
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends("again\r\nnext\r\n");
        CollectionAssert.AreEqual(new[] { "again", "next", "given back" }, lines.Got);
        transport.PeerResets();
    }

    [TestMethod]
    public void ALineThatIsTooLong_DropsOnlyThatLine_WhereTheConnectionGoesOn()
    {
        var lines = new Lines { GoesOn = true };
        MemoryTransport transport = MemoryTransport.Connect(lines);
        transport.PeerSends(new string('x', 101) + "\r\nshort\r\n");
        CollectionAssert.AreEqual(new[] { "too long", "short" }, lines.Got);
        transport.PeerSends(new string('x', 102));
        Assert.AreEqual("too long", lines.Got[^1], "as soon as it is certain");
        transport.PeerResets();
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

        public bool GoesOn { get; init; }

        public byte[] Whole { get; init; } = [];

        public int RawSlices { get; private set; }

        public List<string> Got { get; } = [];

        protected override void LineLengthExceeded()
        {
            Got.Add("too long");
            if (!GoesOn)
            {
                base.LineLengthExceeded();
            }
        }

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            string text = Encoding.UTF8.GetString(line);
            Got.Add(text);
            if (text.StartsWith("raw ", StringComparison.Ordinal))
            {
                _raw = text[4] - '0';
                SetRawMode();
            }
            else if (text.StartsWith("pause", StringComparison.Ordinal))
            {
                PauseProducing();
            }
            else if (text == "again")
            {
                SetLineMode("given back\r\n"u8);
            }
        }

        protected override void RawDataReceived(ReadOnlySpan<byte> data)
        {
            RawSlices += data.Overlaps(Whole) ? 1 : 0;
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
