using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>How many a port accepts in one turn is learned from how many were there.</summary>
[TestClass]
public sealed class AcceptBatchTests
{
    [TestMethod]
    public void UsedUp_EveryTime_GrowsToTheMost()
    {
        var batch = new AcceptBatch();
        for (int i = 0; i < 10; i++)
        {
            batch.UsedUp();
        }

        Assert.AreEqual(AcceptBatch.Most, batch.Size);
    }

    [TestMethod]
    public void OneAtATime_LooksForMoreLessAndLess()
    {
        var batch = new AcceptBatch();
        int inVain = 0;
        for (int i = 0; i < 10_000; i++)
        {
            if (batch.Size == 1)
            {
                batch.UsedUp();
            }
            else
            {
                batch.Emptied(1);
                inVain++;
            }
        }

        Assert.IsGreaterThan(10, inVain);
        Assert.IsLessThan(60, inVain);
    }

    [TestMethod]
    public void Emptied_ShrinksToWhatWasThere_AndNeverToNone()
    {
        var batch = new AcceptBatch();
        for (int i = 0; i < 10; i++)
        {
            batch.UsedUp();
        }

        batch.Emptied(40);
        Assert.AreEqual(40, batch.Size);
        for (int i = 0; i < 1000; i++)
        {
            batch.UsedUp();
        }

        Assert.AreEqual(AcceptBatch.Most, batch.Size);
        batch.Emptied(0);
        Assert.AreEqual(1, batch.Size);
    }
}
