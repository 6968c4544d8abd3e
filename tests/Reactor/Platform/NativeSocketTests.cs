using Poetry.Net;
using Poetry.Net.Native;

namespace Poetry.Tests.Net;

/// <summary>The calls on sockets, over every family of addresses, against the real kernel on the loopback interface.</summary>
[TestClass]
public sealed unsafe class NativeSocketTests
{
    private static readonly byte[] Verse = "Two roads diverged in a yellow wood"u8.ToArray();

    [TestMethod]
    public void Create_WithoutFamily_IsRefused()
    {
        Assert.AreEqual(Errno.EAFNOSUPPORT, NativeSocket.Create(AddressKind.None, out nint handle));
        Assert.AreEqual(NativeSocket.Invalid, handle);
    }

    [TestMethod]
    [DataRow(AddressKind.IPv4)]
    [DataRow(AddressKind.IPv6)]
    [DataRow(AddressKind.Unix)]
    public void SendAndReceive_AcrossAConnection_CarryTheBytes(AddressKind kind)
    {
        using var pair = new SocketPair(kind);
        Assert.AreEqual(Errno.None, NativeSocket.Send(pair.Client, Verse, more: false, out int sent));
        Assert.AreEqual(Verse.Length, sent);
        CollectionAssert.AreEqual(Verse, pair.ReceiveOnServer(Verse.Length));
    }

    [TestMethod]
    [DataRow(AddressKind.IPv4)]
    [DataRow(AddressKind.IPv6)]
    [DataRow(AddressKind.Unix)]
    public void SendGathered_SeveralPieces_ArriveInOrder(AddressKind kind)
    {
        using var pair = new SocketPair(kind);
        fixed (byte* verse = Verse)
        {
            IoVector[] pieces = [new(verse, 4), new(verse + 4, 0), new(verse + 4, 6), new(verse + 10, Verse.Length - 10)];
            Assert.AreEqual(Errno.None, NativeSocket.SendGathered(pair.Client, pieces, more: false, out int sent));
            Assert.AreEqual(Verse.Length, sent);
        }

        CollectionAssert.AreEqual(Verse, pair.ReceiveOnServer(Verse.Length));
    }

    [TestMethod]
    public void Send_MoreFollows_ArrivesWithWhatFollows()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        Assert.AreEqual(Errno.None, NativeSocket.Send(pair.Client, Verse.AsSpan(0, 10), more: true, out _));
        Assert.AreEqual(Errno.None, NativeSocket.Send(pair.Client, Verse.AsSpan(10), more: false, out _));
        CollectionAssert.AreEqual(Verse, pair.ReceiveOnServer(Verse.Length));
    }

    [TestMethod]
    public void Send_WithoutRoom_WouldBlockAndTakesNothing()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        byte[] flood = new byte[1 << 20];
        Errno error;
        int sent;
        do
        {
            error = NativeSocket.Send(pair.Client, flood, more: false, out sent);
        }
        while (error == Errno.None);
        Assert.AreEqual(Errno.EAGAIN, error);
        Assert.AreEqual(0, sent);
    }

    [TestMethod]
    public void Receive_WithNothingThere_WouldBlock()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        Assert.AreEqual(Errno.EAGAIN, NativeSocket.Receive(pair.Server, new byte[8], out int received));
        Assert.AreEqual(0, received);
    }

    [TestMethod]
    [DataRow(AddressKind.IPv4)]
    [DataRow(AddressKind.IPv6)]
    [DataRow(AddressKind.Unix)]
    public void ShutdownWrite_EndsOneDirectionAndNotTheOther(AddressKind kind)
    {
        using var pair = new SocketPair(kind);
        Assert.AreEqual(Errno.None, NativeSocket.ShutdownWrite(pair.Client));
        SocketPair.WaitFor(pair.Server, Interest.Read);
        Assert.AreEqual(Errno.None, NativeSocket.Receive(pair.Server, new byte[8], out int received));
        Assert.AreEqual(0, received);

        Assert.AreEqual(Errno.None, NativeSocket.Send(pair.Server, Verse, more: false, out _));
        CollectionAssert.AreEqual(Verse, SocketPair.Receive(pair.Client, Verse.Length));
        Assert.AreEqual(Errno.EPIPE, NativeSocket.Send(pair.Client, Verse, more: false, out _));
    }

    [TestMethod]
    public void ResetOnClose_IsSeenAsAReset()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        Assert.AreEqual(Errno.None, NativeSocket.ResetOnClose(pair.Client));
        pair.CloseClient();
        SocketPair.WaitFor(pair.Server, Interest.Read);
        Assert.AreEqual(Errno.ECONNRESET, NativeSocket.Receive(pair.Server, new byte[8], out _));
    }

    [TestMethod]
    public void Send_ToAClosedPeer_IsAnErrorAndNoSignal()
    {
        using var pair = new SocketPair(AddressKind.Unix);
        pair.CloseClient();
        Assert.AreEqual(Errno.EPIPE, NativeSocket.Send(pair.Server, Verse, more: false, out int sent));
        Assert.AreEqual(0, sent);
    }

    [TestMethod]
    [DataRow(AddressKind.IPv4)]
    [DataRow(AddressKind.IPv6)]
    public void Connect_WithoutAListener_IsRefused(AddressKind kind)
    {
        SocketAddress address;
        using (var port = new TestListener(kind))
        {
            address = port.Address;
        }

        Assert.AreEqual(Errno.None, NativeSocket.Create(kind, out nint handle));
        Errno error = NativeSocket.Connect(handle, address);
        if (error == Errno.EINPROGRESS)
        {
            SocketPair.WaitFor(handle, Interest.Write);
            error = NativeSocket.TakeError(handle);
        }

        Assert.AreEqual(Errno.ECONNREFUSED, error);
        if (!OperatingSystem.IsWindows())
        {
            // Wine keeps the error; nothing of ours asks twice.
            Assert.AreEqual(Errno.None, NativeSocket.TakeError(handle), "taking clears it");
        }

        Assert.AreEqual(Errno.None, NativeSocket.Close(handle));
    }

    [TestMethod]
    public void Connect_ToAPathThatIsNotThere_SaysSo()
    {
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.Unix, out nint handle));
        Errno error = NativeSocket.Connect(handle, SocketAddress.Unix(TestListener.FreshPath()));
        Assert.AreEqual(OperatingSystem.IsWindows() ? Errno.ECONNREFUSED : Errno.ENOENT, error);
        _ = NativeSocket.Close(handle);
    }

    [TestMethod]
    public void Connect_UnixBacklogFull_WouldBlock()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("BSD refuses instead, Windows waits");
        }

        using var listener = new TestListener(AddressKind.Unix, backlog: 0);
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.Unix, out nint first));
        Assert.AreEqual(Errno.None, NativeSocket.Connect(first, listener.Address));
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.Unix, out nint second));
        Assert.AreEqual(Errno.EAGAIN, NativeSocket.Connect(second, listener.Address));
        _ = NativeSocket.Close(first);
        _ = NativeSocket.Close(second);
    }

    [TestMethod]
    public void Accept_WithoutAConnection_WouldBlock()
    {
        using var listener = new TestListener(AddressKind.IPv4);
        Assert.AreEqual(Errno.EAGAIN, NativeSocket.Accept(listener.Handle, out nint handle, out SocketAddress peer));
        Assert.AreEqual(NativeSocket.Invalid, handle);
        Assert.AreEqual(default, peer);
    }

    [TestMethod]
    [DataRow(AddressKind.IPv4)]
    [DataRow(AddressKind.IPv6)]
    public void Addresses_OfTheTwoEnds_AreEachOthers(AddressKind kind)
    {
        using var pair = new SocketPair(kind);
        Assert.AreEqual(Errno.None, NativeSocket.LocalAddress(pair.Client, out SocketAddress local));
        Assert.AreEqual(Errno.None, NativeSocket.PeerAddress(pair.Client, out SocketAddress remote));
        Assert.AreEqual(kind, local.Kind);
        Assert.AreEqual(local, pair.PeerOnAccept);
        Assert.AreEqual(pair.ListenerAddress, remote);
    }

    [TestMethod]
    public void Addresses_OfUnixSockets_AreThePathAndUnnamed()
    {
        using var pair = new SocketPair(AddressKind.Unix);
        Assert.AreEqual(SocketAddress.Unix(string.Empty), pair.PeerOnAccept);
        Assert.AreEqual(Errno.None, NativeSocket.PeerAddress(pair.Client, out SocketAddress remote));
        Assert.AreEqual(pair.ListenerAddress, remote);
        Assert.AreEqual(Errno.None, NativeSocket.LocalAddress(pair.Client, out SocketAddress local));
        Assert.AreEqual(SocketAddress.Unix(string.Empty), local);
    }

    [TestMethod]
    public void PeerAddress_Unconnected_IsNotConnected()
    {
        using var listener = new TestListener(AddressKind.IPv4);
        Assert.AreEqual(Errno.ENOTCONN, NativeSocket.PeerAddress(listener.Handle, out SocketAddress address));
        Assert.AreEqual(AddressKind.None, address.Kind);
    }

    [TestMethod]
    public void Bind_ToAPortInUse_SaysSo()
    {
        using var listener = new TestListener(AddressKind.IPv4);
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint handle));
        Assert.AreEqual(Errno.None, NativeSocket.AllowAddressReuse(handle));
        Assert.AreEqual(Errno.EADDRINUSE, NativeSocket.Bind(handle, listener.Address));
        _ = NativeSocket.Close(handle);
    }

    [TestMethod]
    public void SharePort_OnBothListeners_LetsThemBindTheSamePort()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no SO_REUSEPORT");
        }

        nint[] handles = new nint[2];
        var address = SocketAddress.Ip(new byte[] { 127, 0, 0, 1 }, 0);
        foreach (ref nint handle in handles.AsSpan())
        {
            Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out handle));
            Assert.AreEqual(Errno.None, NativeSocket.SharePort(handle));
            Assert.AreEqual(Errno.None, NativeSocket.Bind(handle, address));
            Assert.AreEqual(Errno.None, NativeSocket.Listen(handle, 8));
            Assert.AreEqual(Errno.None, NativeSocket.LocalAddress(handle, out address));
        }

        Array.ForEach(handles, static handle => _ = NativeSocket.Close(handle));
    }

    [TestMethod]
    public void OnlyIPv6_LeavesTheIPv4PortFree()
    {
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv6, out nint six));
        Assert.AreEqual(Errno.None, NativeSocket.SetOnlyIPv6(six, true));
        Assert.AreEqual(Errno.None, NativeSocket.Bind(six, SocketAddress.Ip(new byte[16], 0)));
        Assert.AreEqual(Errno.None, NativeSocket.Listen(six, 8));
        Assert.AreEqual(Errno.None, NativeSocket.LocalAddress(six, out SocketAddress bound));

        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint four));
        Assert.AreEqual(Errno.None, NativeSocket.Bind(four, SocketAddress.Ip(new byte[4], bound.Port)));
        _ = NativeSocket.Close(six);
        _ = NativeSocket.Close(four);
    }

    [TestMethod]
    public void Options_OfAConnection_AreTaken()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        Assert.AreEqual(Errno.None, NativeSocket.SetNoDelay(pair.Client));
        Assert.AreEqual(Errno.None, NativeSocket.SetAcknowledgeTimeout(pair.Client, TimeSpan.FromDays(100)));
        Assert.AreEqual(Errno.EBADF, Badly(NativeSocket.SetNoDelay(NativeSocket.Invalid)));
    }

    [TestMethod]
    public void Adopt_AListener_MakesItOneOfOurs()
    {
        using var listener = new TestListener(AddressKind.IPv4);
        Assert.IsTrue(NativeSocket.IsListening(listener.Handle));
        Assert.AreEqual(Errno.None, NativeSocket.Adopt(listener.Handle));
        Assert.AreEqual(Errno.EAGAIN, NativeSocket.Accept(listener.Handle, out _, out _));
    }

    [TestMethod]
    public void IsListening_AConnection_IsFalse()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        Assert.IsFalse(NativeSocket.IsListening(pair.Client));
        Assert.IsFalse(NativeSocket.IsListening(NativeSocket.Invalid));
    }

    [TestMethod]
    public void Bind_PathTooLong_SaysSo()
    {
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.Unix, out nint handle));
        Assert.AreEqual(Errno.ENAMETOOLONG, NativeSocket.Bind(handle, SocketAddress.Unix("/tmp/" + new string('x', 110))));
        Assert.AreEqual(Errno.EINVAL, NativeSocket.Bind(handle, SocketAddress.Unix(string.Empty)));
        _ = NativeSocket.Close(handle);
    }

    [TestMethod]
    public void Close_ASecondTime_IsABadDescriptor()
    {
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint handle));
        Assert.AreEqual(Errno.None, NativeSocket.Close(handle));
        Assert.AreEqual(Errno.EBADF, Badly(NativeSocket.Close(NativeSocket.Invalid)));
    }

    [TestMethod]
    public void SendAndReceive_InSteadyState_AllocateNothing()
    {
        using var pair = new SocketPair(AddressKind.IPv4);
        byte[] buffer = new byte[64];
        long before = 0;
        for (int round = 0; round < 20; round++)
        {
            if (round == 10)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            _ = NativeSocket.Send(pair.Client, Verse, more: false, out _);
            _ = NativeSocket.Receive(pair.Server, buffer, out _);
            _ = NativeSocket.Receive(pair.Server, buffer, out _);
            _ = NativeSocket.PeerAddress(pair.Client, out _);
            _ = NativeSocket.Accept(pair.Client, out _, out _);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Windows tells a bad handle from one that is no socket.</summary>
    private static Errno Badly(Errno error) => error == Errno.ENOTSOCK ? Errno.EBADF : error;
}
