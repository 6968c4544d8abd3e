using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>The number of accepts in one turn adapts to the number of waiting clients.</summary>
[TestClass]
public sealed class AcceptBatchTests
{
    [TestMethod]
    public void RecordFull_EveryTime_GrowsToTheMaximum()
    {
        var batch = new AcceptBatch();
        for (int i = 0; i < 10; i++)
        {
            batch.RecordFull();
        }

        Assert.AreEqual(AcceptBatch.MaxSize, batch.Size);
    }

    [TestMethod]
    public void OneAtATime_IsEnlargedLessAndLess()
    {
        var batch = new AcceptBatch();
        int needless = 0;
        for (int i = 0; i < 10_000; i++)
        {
            if (batch.Size == 1)
            {
                batch.RecordFull();
            }
            else
            {
                batch.RecordDrained(1);
                needless++;
            }
        }

        Assert.IsGreaterThan(10, needless);
        Assert.IsLessThan(60, needless);
    }

    [TestMethod]
    public void RecordDrained_ShrinksToWhatWasFound_AndNeverToZero()
    {
        var batch = new AcceptBatch();
        for (int i = 0; i < 10; i++)
        {
            batch.RecordFull();
        }

        batch.RecordDrained(40);
        Assert.AreEqual(40, batch.Size);
        for (int i = 0; i < 1000; i++)
        {
            batch.RecordFull();
        }

        Assert.AreEqual(AcceptBatch.MaxSize, batch.Size);
        batch.RecordDrained(0);
        Assert.AreEqual(1, batch.Size);
    }
}
