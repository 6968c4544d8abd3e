using System.Diagnostics;
using System.Globalization;

namespace Poetry.Tests.Testing;

/// <summary>Where a random test gets its numbers: a fresh seed, which it prints, or the one in POETRY_SEED.</summary>
internal static class Seed
{
    public static Random Start(TestContext context)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("POETRY_SEED"), CultureInfo.InvariantCulture, out int given)
            ? given
            : (int)Stopwatch.GetTimestamp();
        context.WriteLine($"POETRY_SEED={seed}");
        return new Random(seed);
    }
}
