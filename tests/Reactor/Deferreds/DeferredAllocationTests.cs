using Poetry.Net;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>What a chain costs in memory, to the byte: a field more has to say what it is for.</summary>
[TestClass]
public sealed class DeferredAllocationTests
{
    [TestMethod]
    public void CreateThreeCallbacksAndFire_AllocatesAtMost240Bytes()
    {
        static void Once()
        {
            var deferred = new Deferred<int>();
            deferred.AddCallback(static x => x + 1);
            deferred.AddCallback(static x => x + 1);
            deferred.AddCallback(static x => x + 1);
            deferred.Callback(1);
        }

        long bytes = Allocated(Once);
        Assert.IsLessThanOrEqualTo(240, bytes);
        Assert.AreEqual(144, bytes, "48 for the deferred and 32 for each function: if it grew, what for?");
    }

    [TestMethod]
    public void WaitingForAnInnerDeferred_AllocatesNothing()
    {
        var inner = new Deferred<int>();
        var outer = new Deferred<int>();
        outer.AddCallback(_ => inner);
        Assert.AreEqual(0, Allocated(
            () =>
            {
                outer.Callback(1);
                inner.Callback(2);
            },
            warm: false));
        Assert.AreEqual(2, ResultOf(outer));
    }

    [TestMethod]
    public void Cancel_OfAHandledDeferred_AllocatesNoException()
    {
        static void Once()
        {
            var deferred = new Deferred<int>();
            deferred.AddErrback(static _ => { });
            deferred.Cancel();
        }

        Assert.AreEqual(48 + 32, Allocated(Once));
    }
}
