using System;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>basic-twisted/: what a loop does with time and with exceptions.</summary>
[TestClass]
public sealed class ClockExamples : TutorialExample
{
    [TestMethod]
    public void Countdown_OneASecond()
    {
        int counter = 5;
        void Count()
        {
            if (counter == 0)
            {
                Print("Stop!");
                return;
            }

            Print($"{counter} ...");
            counter--;
            Clock.CallLater(TimeSpan.FromSeconds(1), Count);
        }

        Clock.CallLater(TimeSpan.Zero, Count);
        Print("Start!");
        Clock.Pump(0, 1, 1, 1, 1);
        Expect("Start!", "5 ...", "4 ...", "3 ...", "2 ...", "1 ...");
        Clock.Advance(1);
        Expect("Start!", "5 ...", "4 ...", "3 ...", "2 ...", "1 ...", "Stop!");
    }

    [TestMethod]
    public void Exception_OneCallFalls_TheNextRunsAllTheSame()
    {
        Clock.CallLater(TimeSpan.Zero, () => throw new InvalidOperationException("I fall down."));
        Clock.CallLater(TimeSpan.Zero, () => Print("But I get up again."));
        Print("Starting the reactor.");

        // A reactor logs what a call throws and goes on; this clock hands it to whoever turns it.
        Print(Assert.ThrowsExactly<InvalidOperationException>(() => Clock.Advance(0)).Message);
        Clock.Advance(0);
        Expect("Starting the reactor.", "I fall down.", "But I get up again.");
    }
}
