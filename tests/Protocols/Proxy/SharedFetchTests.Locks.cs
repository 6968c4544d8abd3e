using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>Locks that are lost.</content>
public sealed partial class SharedFetchTests
{
    /// <summary>The renewal is on its way when the poem is stored, and both are told that the lock is gone.</summary>
    [TestMethod]
    public void ALockThatIsLost_IsCountedOnce()
    {
        FleetMachine machine = Machine();
        _ = machine.Join();
        Pass(0.9);
        _server.Evict(Lock);
        _server.Pause();
        Pass(0.15);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        _server.Resume();
        Pass(0.1);
        Assert.AreEqual(1, _server.Operations["renew"]);
        Assert.AreEqual(1, _server.Operations["store"]);
        Assert.AreEqual(1, machine.Service.Shared!.LocksLost);
    }
}
