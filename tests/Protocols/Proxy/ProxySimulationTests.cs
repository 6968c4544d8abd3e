using System.Diagnostics;
using System.Globalization;

namespace Poetry.Tests.Protocols;

/// <summary>
/// Thousands of simulations of a proxy, each decided by its seed. A failure names the seed; <c>POETRY_SEED</c> runs that one
/// again and shows what happened.
/// </summary>
[TestClass]
public sealed class ProxySimulationTests
{
    private const int Lives = 20_000;

    private readonly Reached _reached = new();

    /// <summary>A failed assertion of the product ends the process by default; here it has to fail the test.</summary>
    [ClassInitialize]
    public static void ThrowForAssertions(TestContext context)
    {
        Trace.Listeners.Clear();
        _ = Trace.Listeners.Add(new ThrowingListener());
    }

    [ClassCleanup]
    public static void EndForAssertions()
    {
        Trace.Listeners.Clear();
        _ = Trace.Listeners.Add(new DefaultTraceListener());
    }

    [TestMethod]
    public void Proxy_WhateverHappens_KeepsItsPromises()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("POETRY_SEED"), CultureInfo.InvariantCulture, out int seed))
        {
            Live(seed, again: true);
            return;
        }

        for (seed = 1; seed <= Lives; seed++)
        {
            Live(seed);
        }

        _reached.AssertAll();
    }

    private void Live(int seed, bool again = false)
    {
        using var simulation = new ProxySimulation(seed, again);
        try
        {
            simulation.Run();
            _reached.Add(simulation);
        }
        catch (Exception exception) when (!again)
        {
            // Once more, to record the events: only for a seed that fails.
            Assert.IsNotNull(exception);
            Live(seed, again: true);
            Assert.Fail($"POETRY_SEED={seed}: it failed, and not again: {exception}");
        }
        catch (Exception exception)
        {
            Assert.Fail($"POETRY_SEED={seed}: {exception}\n{simulation.Story}");
        }
    }

    /// <summary>How often all simulations together reached the difficult cases: a simulation that avoids them proves nothing.</summary>
    private sealed class Reached
    {
        private readonly Dictionary<string, long> _counts = [];

        public void Add(ProxySimulation simulation)
        {
            foreach ((string what, long count) in simulation.Counts())
            {
                _counts[what] = _counts.GetValueOrDefault(what) + count;
            }
        }

        public void AssertAll()
        {
            foreach ((string what, long count) in _counts)
            {
                Assert.IsGreaterThan(Lives / 100, count, $"the simulation rarely reaches {what}");
            }
        }
    }

    private sealed class ThrowingListener : TraceListener
    {
        public override void Fail(string? message, string? detailMessage) => throw new InvalidOperationException(message);

        public override void Write(string? message)
        {
        }

        public override void WriteLine(string? message)
        {
        }
    }
}
