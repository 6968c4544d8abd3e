using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class MemoryGrantsTests
{
    private const long Mebibyte = 1024 * 1024;

    private long _free;
    private int _measurements;

    /// <summary>However small the parts are, what is filled never takes all.</summary>
    [TestMethod]
    [DataRow(1000)]
    [DataRow(65_536)]
    [DataRow(Mebibyte)]
    [DataRow(10 * Mebibyte)]
    public void Parts_OfAnySize_LeaveSomeFree(long part)
    {
        MemoryGrants grants = OfFree(44 * Mebibyte);
        while (grants.TryTake(part, 0))
        {
            _free -= part;
        }

        Assert.IsGreaterThanOrEqualTo(MemoryGrants.MinFreeBytes, _free);
        Assert.IsLessThan(part + MemoryGrants.MinFreeBytes + (_free / 8), _free, "and nearly all of the rest is granted");
        Assert.IsLessThan(40, _measurements);
    }

    [TestMethod]
    public void AFewBytes_AreNotMeasured()
    {
        MemoryGrants grants = OfFree(0);
        Assert.IsTrue(grants.TryTake(MemoryGrants.UnmeasuredBytes, 1_000_000));
        Assert.AreEqual(0, _measurements);
        Assert.IsFalse(grants.TryTake(1, 1_000_000));
    }

    /// <summary>Another process has taken the memory meanwhile.</summary>
    [TestMethod]
    public void AMeasurement_ThatIsOld_IsRepeated()
    {
        MemoryGrants grants = OfFree(100 * Mebibyte);
        Assert.IsTrue(grants.TryTake(2 * Mebibyte, 0));
        _free = 0;
        Assert.IsTrue(grants.TryTake(2 * Mebibyte, 1000));
        Assert.IsFalse(grants.TryTake(1, 1001));
    }

    [TestMethod]
    public void WhatIsTooLarge_KeepsOutNothingSmaller()
    {
        MemoryGrants grants = OfFree(44 * Mebibyte);
        Assert.IsFalse(grants.TryTake(40 * Mebibyte, 0));
        Assert.IsTrue(grants.TryTake(30 * Mebibyte, 0));
    }

    private MemoryGrants OfFree(long bytes)
    {
        _free = bytes;
        return new MemoryGrants(() =>
        {
            _measurements++;
            return _free;
        });
    }
}
