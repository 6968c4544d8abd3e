using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// A failure nobody claimed fails the test that lost it: this stands around every test of the assembly. A test that loses
/// one on purpose takes it with <see cref="Take"/>.
/// </summary>
[TestClass]
public sealed class LostFailures
{
    private static readonly List<(string What, Failure Failure)> Lost = [];

    /// <summary>Begins to collect.</summary>
    [GlobalTestInitialize]
    public static void Begin(TestContext _)
    {
        lock (Lost)
        {
            Lost.Clear();
        }

        UnhandledFailures.Sink = static (what, failure) =>
        {
            // A reactor may run on a thread of the test's own.
            lock (Lost)
            {
                Lost.Add((what, failure));
            }
        };
    }

    /// <summary>Fails the test if it lost anything.</summary>
    [GlobalTestCleanup]
    public static void End(TestContext _)
    {
        UnhandledFailures.Flush();
        lock (Lost)
        {
            string all = string.Join(Environment.NewLine, Lost.Select(lost => $"{lost.What}: {lost.Failure}"));
            int count = Lost.Count;
            Lost.Clear();
            Assert.AreEqual(0, count, all);
        }
    }

    /// <summary>The failures of deferreds that have been forgotten until now; they count as found.</summary>
    internal static Failure[] Take()
    {
        UnhandledFailures.Collect();
        lock (Lost)
        {
            Failure[] taken = [.. Lost.Select(lost => lost.Failure)];
            Lost.Clear();
            return taken;
        }
    }
}
