using System;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

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
