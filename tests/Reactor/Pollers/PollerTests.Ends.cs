using Poetry.Net;

namespace Poetry.Tests.Net;

/// <content>How the ends of connections, and connects that come to nothing, show.</content>
public sealed partial class PollerTests
{
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_PeerClosed_IsInput(string backend)
    {
        _ = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        pair.CloseClient();
        Assert.AreEqual(Readiness.Read, WaitForOne() & Readiness.Read);
        Assert.AreEqual(Errno.None, NativeSocket.Receive(pair.Server, new byte[8], out int received));
        Assert.AreEqual(0, received);
        Assert.AreEqual(Readiness.Read, WaitForOne() & Readiness.Read);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_PeerHalfClosed_IsInputAndNoHangUp(string backend)
    {
        _ = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Both);
        Send(pair.Client);
        Assert.AreEqual(Errno.None, NativeSocket.ShutdownWrite(pair.Client));
        SocketPair.WaitFor(pair.Server, Interest.Read);
        Assert.AreEqual(Readiness.Read | Readiness.Write, WaitForOne());
        Assert.HasCount(5, SocketPair.Receive(pair.Server, 5));
        Assert.AreEqual(Readiness.Read | Readiness.Write, WaitForOne());
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_PeerReset_IsReportedToReaderAndWriter(string backend)
    {
        Poller poller = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.Read);
        Assert.AreEqual(Errno.None, NativeSocket.ResetOnClose(pair.Client));
        pair.CloseClient();
        Assert.AreNotEqual(Readiness.None, WaitForOne() & (Readiness.Read | Readiness.HangUp));
        Assert.AreEqual(Errno.None, poller.Change(pair.Server, Token, Interest.Read, Interest.Write));
        Assert.AreNotEqual(Readiness.None, WaitForOne() & (Readiness.Write | Readiness.HangUp));
        Assert.AreEqual(Errno.ECONNRESET, NativeSocket.Receive(pair.Server, new byte[8], out _));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_ResetWhileNothingIsWanted_IsAHangUpWhereTheBackendCanTell(string backend)
    {
        _ = Open(backend);
        using var pair = new SocketPair(AddressKind.IPv4);
        Add(pair.Server, Token, Interest.None);
        Assert.AreEqual(Errno.None, NativeSocket.ResetOnClose(pair.Client));
        pair.CloseClient();
        if (backend == "epoll")
        {
            Assert.AreEqual(Readiness.HangUp, WaitForOne());
        }
        else
        {
            SocketPair.WaitFor(pair.Server, Interest.Read);
            AssertNothing();
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Wait_ConnectRefused_IsReportedToTheWriter(string backend)
    {
        _ = Open(backend);
        SocketAddress address;
        using (var listener = new TestListener(AddressKind.IPv4))
        {
            address = listener.Address;
        }

        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint client));
        Errno error = NativeSocket.Connect(client, address);
        if (error == Errno.EINPROGRESS)
        {
            Add(client, Token, Interest.Write);
            Assert.AreNotEqual(Readiness.None, WaitForOne() & (Readiness.Write | Readiness.HangUp));
            error = NativeSocket.TakeError(client);
        }

        Assert.AreEqual(Errno.ECONNREFUSED, error);
        _ = NativeSocket.Close(client);
    }
}
