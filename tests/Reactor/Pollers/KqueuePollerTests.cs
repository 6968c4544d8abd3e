using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What only kqueue can do wrong: two filters a descriptor, of which the second may be refused.</summary>
[TestClass]
public sealed class KqueuePollerTests
{
    private readonly ReadyEvent[] _ready = new ReadyEvent[8];

    [TestMethod]
    public void Add_SecondFilterRefused_LeavesNothingBehind()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("kqueue is emulated on Linux only");
            return;
        }

        using KqueuePoller poller = EmulatedKqueue.Open();
        using var pair = new SocketPair(AddressKind.Unix);
        EmulatedKqueue.RefuseWrites = true;
        Errno error = poller.Add(pair.Server, 1, Interest.Read | Interest.Write);
        EmulatedKqueue.RefuseWrites = false;
        Assert.AreEqual(Errno.ENOMEM, error);
        pair.CloseClient();
        Assert.AreEqual(0, poller.Wait(_ready, 0));
    }

    /// <summary>The error that came with the event is the only one, if another call has taken it from the socket.</summary>
    [TestMethod]
    public void Wait_BrokenSocket_PassesItsErrorOn()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("kqueue is emulated on Linux only");
            return;
        }

        using KqueuePoller poller = EmulatedKqueue.Open();
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.IPv4, out nint handle));
        Assert.AreEqual(Errno.EINPROGRESS, NativeSocket.Connect(handle, SocketAddress.Ip([127, 0, 0, 1], (ushort)FaultServer.FreePort())));
        Assert.AreEqual(Errno.None, poller.Add(handle, 1, Interest.Write));
        Assert.AreEqual(1, poller.Wait(_ready, 60_000));
        Assert.AreEqual(Errno.ECONNRESET, _ready[0].Error, "the emulation's");
        _ = NativeSocket.Close(handle);
    }

    [TestMethod]
    public void Change_Refused_LeavesWhatWasBefore()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("kqueue is emulated on Linux only");
            return;
        }

        using KqueuePoller poller = EmulatedKqueue.Open();
        using var pair = new SocketPair(AddressKind.Unix);
        Assert.AreEqual(Errno.None, poller.Add(pair.Server, 1, Interest.Read));
        EmulatedKqueue.RefuseWrites = true;
        Errno error = poller.Change(pair.Server, 1, Interest.Read, Interest.Write);
        EmulatedKqueue.RefuseWrites = false;
        Assert.AreEqual(Errno.ENOMEM, error);
        pair.CloseClient();
        Assert.AreEqual(1, poller.Wait(_ready, 60_000));
        Assert.AreEqual(Readiness.Read, _ready[0].Readiness & Readiness.Read);
    }
}
