using System;
using System.Globalization;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Poetry.Tests.Protocols;

/// <summary>
/// Thousands of lives of a proxy, each decided by its seed. A failure names the seed; <c>POETRY_SEED</c> lives that one life
/// again and tells its story.
/// </summary>
[TestClass]
public sealed class ProxySimulationTests
{
    private const int Lives = 20_000;

    [TestMethod]
    public void Proxy_WhateverHappens_KeepsItsPromises()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("POETRY_SEED"), CultureInfo.InvariantCulture, out int seed))
        {
            Live(seed);
            return;
        }

        for (seed = 1; seed <= Lives; seed++)
        {
            Live(seed);
        }
    }

    private static void Live(int seed)
    {
        using var simulation = new ProxySimulation(seed);
        try
        {
            simulation.Run();
        }
        catch (Exception exception)
        {
            Assert.Fail($"POETRY_SEED={seed}: {exception}\n{simulation.Story}");
        }
    }
}
