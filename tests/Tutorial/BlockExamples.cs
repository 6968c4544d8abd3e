using System.Diagnostics;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Tutorial;

/// <summary>twisted-deferred/defer-block: a callback that blocks, blocks its chain, who fired it, and the loop. The engine can
/// not help it, but tells of it.</summary>
[TestClass]
public sealed class BlockExamples : TutorialExample
{
    [TestMethod]
    public void DeferBlock_EverythingWaitsForASlowCallback()
    {
        var log = new CollectingLog();
        using var reactor = new Reactor(log) { SlowCallback = TimeSpan.FromMilliseconds(1) };
        var d = new Deferred<string>();
        d.AddCallback(_ => Print("The start of the callback chain."))
            .AddCallback(_ =>
            {
                foreach (string word in new[] { "a", "slow", "poem" })
                {
                    Print(word);
                    Block();
                }
            })
            .AddCallback(_ => Print("The end of the callback chain."));
        reactor.CallWhenRunning(() =>
        {
            reactor.CallLater(TimeSpan.Zero, () =>
            {
                Print("A call that was due long ago.");
                reactor.Stop();
            });
            Print("Firing deferred.");
            d.Callback("result");
            Print("Firing finished.");
        });
        Print("Starting reactor.");
        reactor.Run();
        Print("Done.");
        Expect(
            "Starting reactor.", "Firing deferred.", "The start of the callback chain.", "a", "slow", "poem",
            "The end of the callback chain.", "Firing finished.", "A call that was due long ago.", "Done.");
        StringAssert.StartsWith(log.Entries.Single().Text, "event loop ");
    }

    /// <summary>Does what no callback should.</summary>
    private static void Block()
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMilliseconds(1))
        {
            Thread.SpinWait(100);
        }
    }
}
