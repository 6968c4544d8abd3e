using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// The failures that the tests lose, of every thread: <see cref="TestGuard"/> fails a test that loses one. A test that loses
/// one on purpose takes it with <see cref="Take"/>.
/// </summary>
internal static class LostFailures
{
    private static readonly global::Poetry.Net.Testing.LostFailures Lost = new();

    /// <summary>For the reactors of tests that expect no error.</summary>
    public static ILogger Log => Lost;

    /// <summary>The failures of deferreds that were lost until now; they count as found.</summary>
    public static Failure[] Take() => Lost.Take();

    /// <summary>The same, with those that rest in deferreds that are still referenced.</summary>
    public static Failure[] TakeAll() => Lost.Take(andResting: true);
}
