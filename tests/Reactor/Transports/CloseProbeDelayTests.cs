using System;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>When connections are first looked at is learned from what the looks find.</summary>
[TestClass]
public sealed class FirstLookTests
{
    private readonly TransportLine _line;
    private readonly FirstLook _look;

    public FirstLookTests()
    {
        _line = new TransportLine(new ManualClock(), null, FirstLook.Least, TimeSpan.Zero, static _ => { });
        _look = new FirstLook(_line);
    }

    [TestMethod]
    public void Had_AllInVain_WaitsLongerUpToTheMost()
    {
        Look(40, inVain: true);
        Assert.AreEqual(FirstLook.Least * 2, _line.Patience);
        Look(10_000, inVain: true);
        Assert.AreEqual(FirstLook.Most, _line.Patience);
    }

    [TestMethod]
    public void Had_AFewInVain_WaitsNoLonger()
    {
        for (int i = 0; i < 1000; i++)
        {
            Look(1, inVain: true);
            Look(31, inVain: false);
        }

        Assert.AreEqual(FirstLook.Least, _line.Patience);
    }

    [TestMethod]
    public void Had_NoneInVainAnyMore_ComesDownAgain()
    {
        Look(10_000, inVain: true);
        Look(600, inVain: false);
        Assert.IsTrue(_line.Patience < FirstLook.Most && _line.Patience > FirstLook.Most / 2, "slowly");
        Look(100_000, inVain: false);
        Assert.AreEqual(FirstLook.Least, _line.Patience);
    }

    [TestMethod]
    public void Hurry_AfterLongWaits_LooksSoonAgain()
    {
        Look(10_000, inVain: true);
        _look.Hurry();
        Assert.AreEqual(FirstLook.Least, _line.Patience);
    }

    private void Look(int count, bool inVain)
    {
        for (int i = 0; i < count; i++)
        {
            _look.Had(inVain);
        }
    }
}
