using System.Diagnostics;

[assembly: DoNotParallelize]

namespace Poetry.Tests.Testing;

/// <summary>
/// Stands around every test of the assembly. It fails a test that loses a failure, breaks an assertion of the product, or
/// leaves a delayed call, a descriptor, a listening port, a thread or a process behind.
/// </summary>
[TestClass]
public static class TestGuard
{
    /// <summary>What is open between two tests, so that what the fields of a test class open is the test's.</summary>
    private static Leftovers s_before = Leftovers.None;

    [AssemblyInitialize]
    public static void Prepare(TestContext context)
    {
        Trace.Listeners.Clear();
        _ = Trace.Listeners.Add(new BrokenAssertion());
        Leftovers.WarmUp();
        s_before = Leftovers.Now();
    }

    [GlobalTestInitialize]
    public static void Begin(TestContext context)
    {
        // What another test's threads lost later is not this test's.
        _ = LostFailures.TakeAll();
    }

    /// <summary>Runs after a test's own cleanup and its Dispose.</summary>
    [GlobalTestCleanup]
    public static void End(TestContext _)
    {
        List<string> faults =
        [
            .. LostFailures.TakeAll().Select(failure => $"a failure that nothing handled: {failure}"),
            .. DelayedCallWatch.Take(),
        ];
        Leftovers after = Leftovers.WaitForNoneSince(s_before);
        faults.AddRange(after.Since(s_before));
        s_before = after;
        if (faults.Count > 0)
        {
            Assert.Fail($"the test leaves behind:{Environment.NewLine}{string.Join(Environment.NewLine, faults)}");
        }
    }
}
