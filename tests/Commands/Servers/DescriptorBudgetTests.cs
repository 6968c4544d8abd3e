using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>How descriptors are divided, from hardly any to more than a server needs.</summary>
[TestClass]
public sealed class DescriptorBudgetTests
{
    private static readonly DescriptorBudget.Needs OneServer =
        new() { Open = 4, Workers = 1, SharedPorts = 1, DescriptorsPerClient = 1, MemoryConnections = long.MaxValue };

    [TestMethod]
    [DataRow(20_000L, 19_939L)]
    [DataRow(64L, 34L)]
    [DataRow(19L, 4L)]
    [DataRow(1L, 1L)]
    [DataRow(long.MaxValue, long.MaxValue - 61)]
    public void Divide_OneWorker_HasWhatIsLeft(long limit, long expected) =>
        Assert.AreEqual(expected, DescriptorBudget.Divide(limit, OneServer).MaxConnections);

    /// <summary>Aim: no connection is accepted without a descriptor for it. Method: all limits and kinds of servers, counted.</summary>
    [TestMethod]
    public void Divide_AnyLimit_StaysWithinIt()
    {
        for (int limit = 10; limit < 600; limit++)
        {
            for (int workers = 1; workers <= 8; workers++)
            {
                for (int each = 1; each <= 2; each++)
                {
                    DescriptorBudget.Needs needs = OneServer with { Workers = workers, OtherPorts = 1, DescriptorsPerClient = each };
                    DescriptorBudget budget = DescriptorBudget.Divide(limit, needs);
                    long used = 4 + 4 + (3 * budget.Workers) + (2 * (budget.Workers + 1)) + (budget.MaxConnections * each) + budget.Reserve;
                    Assert.IsInRange(1, workers, budget.Workers);
                    Assert.IsGreaterThanOrEqualTo(budget.Workers, budget.MaxConnections);
                    Assert.IsTrue(limit < budget.MinLimit || used <= limit, $"{limit}: {used} of {budget}");
                    Assert.IsInRange(1L, System.Math.Max(1, budget.MaxConnections / 2), budget.MaxUpstreams);
                }
            }
        }
    }

    [TestMethod]
    [DataRow(32L, 8, 2)]
    [DataRow(20L, 8, 1)]
    [DataRow(128L, 8, 8)]
    [DataRow(20_000L, 8, 8)]
    public void Divide_ManyWorkers_HaveAHandfulOfClientsEach(long limit, int asked, int expected) =>
        Assert.AreEqual(expected, DescriptorBudget.Divide(limit, OneServer with { Workers = asked }).Workers);

    [TestMethod]
    [DataRow(0L, 4, 0L)]
    [DataRow(3L, 3, 3L)]
    [DataRow(100_000L, 4, 100_000L)]
    public void Divide_WhatWasAskedFor_IsWhatThereIs(long asked, int workers, long expected)
    {
        DescriptorBudget budget = DescriptorBudget.Divide(1000, OneServer with { Workers = 4, MaxConnections = asked });
        Assert.AreEqual(workers, budget.Workers);
        Assert.AreEqual(expected, budget.MaxConnections);
    }

    /// <summary>Little memory limits the connections, unless the user has said how many.</summary>
    [TestMethod]
    [DataRow(500L, null, 500L)]
    [DataRow(0L, null, 1L)]
    [DataRow(500L, 700L, 700L)]
    public void Divide_LittleMemory_LimitsConnections(long memory, long? asked, long expected) => Assert.AreEqual(
        expected, DescriptorBudget.Divide(1000, OneServer with { MemoryConnections = memory, MaxConnections = asked }).MaxConnections);

    /// <summary>A limit of one connection needs descriptors for one.</summary>
    [TestMethod]
    public void Divide_Least_IsForAHandfulOrWhatWasAskedFor()
    {
        Assert.AreEqual(17, DescriptorBudget.Divide(1000, OneServer).MinLimit);
        Assert.AreEqual(14, DescriptorBudget.Divide(1000, OneServer with { MaxConnections = 1 }).MinLimit);
        Assert.AreEqual(21, DescriptorBudget.Divide(1000, OneServer with { DescriptorsPerClient = 2 }).MinLimit);
    }
}
