using System;
using System.Linq;
using Microsoft.Extensions.Logging;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// Fails a test that loses a failure: this runs around every test of the assembly, on whatever thread. A test that loses one
/// on purpose takes it with <see cref="Take"/>.
/// </summary>
[TestClass]
public sealed class LostFailures
{
    private static readonly global::Poetry.Net.Testing.LostFailures Lost = new();

    /// <summary>For the reactors of tests that expect no error.</summary>
    internal static ILogger Log => Lost;

    [GlobalTestInitialize]
    public static void Begin(TestContext _) => Lost.Take(andResting: true);

    [GlobalTestCleanup]
    public static void End(TestContext _)
    {
        Failure[] lost = Lost.Take(andResting: true);
        Assert.IsEmpty(lost, string.Join(Environment.NewLine, lost.Select(failure => $"nothing handled: {failure}")));
    }

    /// <summary>The failures of deferreds that were lost until now; they count as found.</summary>
    internal static Failure[] Take() => Lost.Take();
}
