using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>An error that repeats: one line at once, then a count every ten seconds.</summary>
[TestClass]
public sealed class RepeatedErrorLogTests
{
    [TestMethod]
    public void Errors_AreLoggedAtOnce_ThenCounted_AndAfterAQuietTimeAtOnceAgain()
    {
        var clock = new ManualClock();
        var lines = new List<string>();
        var errors = new RepeatedErrorLog(clock, lines.Add, (count, last) => lines.Add($"{count} more, last {last}"));
        errors.Report("a");
        errors.Report("b");
        clock.Advance(5);
        errors.Report("c");
        CollectionAssert.AreEqual((string[])["a"], lines);
        clock.Advance(5);
        CollectionAssert.AreEqual((string[])["a", "2 more, last c"], lines);
        clock.Advance(10);
        errors.Report("d");
        Assert.AreEqual("d", lines[^1]);
    }
}
