using System.Globalization;

namespace Poetry.Tests.Protocols;

/// <summary>
/// Thousands of simulations of a fleet, each decided by its seed. A failure names the seed; <c>POETRY_SEED</c> runs that one
/// again and shows what happened.
/// </summary>
[TestClass]
public sealed class FleetSimulationTests
{
    private const int Lives = 20_000;

    [TestMethod]
    public void Fleet_WhateverHappens_KeepsItsPromises()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("POETRY_SEED"), CultureInfo.InvariantCulture, out int seed))
        {
            Live(seed, tells: true, []);
            return;
        }

        var reached = new Dictionary<string, long>();
        for (seed = 1; seed <= Lives; seed++)
        {
            Live(seed, tells: false, reached);
        }

        foreach ((string what, long count) in reached)
        {
            Assert.IsGreaterThan(Lives / 100, count, $"the simulation rarely reaches {what}");
        }
    }

    private static void Live(int seed, bool tells, Dictionary<string, long> reached)
    {
        var simulation = new FleetSimulation(seed, tells);
        try
        {
            simulation.Run();
            foreach ((string what, long count) in simulation.Counts())
            {
                reached[what] = reached.GetValueOrDefault(what) + count;
            }

            simulation.Dispose();
        }
        catch (Exception exception) when (!tells)
        {
            // Once more, to record the events: only for a seed that fails.
            Assert.IsNotNull(exception);
            Live(seed, tells: true, []);
            Assert.Fail($"POETRY_SEED={seed}: it failed, and not again: {exception}");
        }
        catch (Exception exception)
        {
            Assert.Fail($"POETRY_SEED={seed}: {exception}\n{simulation.Story}");
        }
    }
}
