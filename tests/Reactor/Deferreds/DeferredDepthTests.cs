using Poetry.Net;
using Poetry.Tests.Testing;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Aim: no chain is too long. Method: more links than any stack would bear, in each way there is to link.</summary>
[TestClass]
public sealed class DeferredDepthTests
{
    private const int ManyLinks = 200_000;

    [TestMethod]
    public void Chain_OfVeryManyLinks_NeedsNoStack()
    {
        var flat = new Deferred<int>();
        for (int i = 0; i < ManyLinks; i++)
        {
            flat.AddCallback(static x => x + 1);
        }

        flat.Callback(0);
        Assert.AreEqual(ManyLinks, ResultOf(flat));
    }

    [TestMethod]
    public void Chain_OfVeryManyTypes_NeedsNoStack()
    {
        var deferred = new Deferred<int>();
        Deferred<int> last = deferred;
        for (int i = 0; i < ManyLinks / 2; i++)
        {
            last = last.AddCallback(static x => (long)x).AddCallback(static x => (int)x + 1);
        }

        last.Pause();
        deferred.Callback(0);
        last.Unpause();
        Assert.AreEqual(ManyLinks / 2, ResultOf(last));
    }

    [TestMethod]
    public void Chain_OfVeryManyDeferredsWithinDeferreds_NeedsNoStack()
    {
        var innermost = new Deferred<int>();
        Deferred<int> outermost = Nest(innermost);
        innermost.Callback(0);
        Assert.AreEqual(ManyLinks, ResultOf(outermost));
    }

    [TestMethod]
    public void Cancel_ThroughVeryManyDeferreds_NeedsNoStack()
    {
        var innermost = new Deferred<int>();
        Deferred<int> outermost = Nest(innermost);
        outermost.Cancel();
        Assert.IsTrue(FailureOf(outermost).Check<CancelledError>());
    }

    [TestMethod]
    public void Cancel_OfThreeThatWaitForEachOther_Ends()
    {
        Deferred<int>[] circle = [new(), new(), new()];
        for (int i = 0; i < circle.Length; i++)
        {
            Deferred<int> next = circle[(i + 1) % circle.Length];
            circle[i].AddCallback(_ => next);
        }

        foreach (Deferred<int> one in circle)
        {
            one.Callback(0);
        }

        circle[0].Cancel();
        Assert.IsNotNull(circle[0].WaitsFor());
    }

    [TestMethod]
    public void Chain_OfFiredDeferreds_NeedsNoStack()
    {
        Deferred<int> deferred = Deferred.Succeed(0);
        for (int i = 0; i < ManyLinks; i++)
        {
            deferred.AddCallback(static x => Deferred.Succeed(x + 1));
        }

        Assert.AreEqual(ManyLinks, ResultOf(deferred));
    }

    private static Deferred<int> Nest(Deferred<int> innermost)
    {
        Deferred<int> current = innermost;
        for (int i = 0; i < ManyLinks; i++)
        {
            Deferred<int> inner = current;
            current = new Deferred<int>();
            current.AddCallback(_ => inner).AddCallback(static x => x + 1);
            current.Callback(0);
        }

        return current;
    }
}
