using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>Locks that are lost, and outages that come again.</content>
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

    /// <summary>
    /// A server that takes small values and refuses the poem is back at each probe and lost at each store: the pauses grow
    /// nevertheless, and are short again after a time without an outage.
    /// </summary>
    [TestMethod]
    public void AnOutageSoonAfterTheLast_HasALongerPause()
    {
        FleetMachine machine = Machine();
        Pass(0.1);
        foreach (double pause in (double[])[1, 2, 4, 8])
        {
            machine.Cache.Failed(new SharedStoreError("full"), machine.Cache.Generation);
            Pass(pause - 0.1);
            Assert.IsFalse(machine.Cache.IsUsable, $"in a pause of {pause} s");
            Pass(0.2);
            Assert.IsTrue(machine.Cache.IsUsable, $"after a pause of {pause} s");
        }

        Pass(30);
        machine.Cache.Failed(new SharedStoreError("full"), machine.Cache.Generation);
        Pass(1.1);
        Assert.IsTrue(machine.Cache.IsUsable);
    }
}
