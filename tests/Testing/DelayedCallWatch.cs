namespace Poetry.Tests.Testing;

/// <summary>Knows the clocks and reactors that a test made, and finds delayed calls that the test leaves on them.</summary>
internal static class DelayedCallWatch
{
    /// <summary>Guards the list: tests make reactors on threads of their own too.</summary>
    private static readonly Lock Gate = new();

    private static readonly List<Func<string?>> Watched = [];

    /// <summary>Asks at the end of the test.</summary>
    /// <param name="findLeft">Says what is left, or null if nothing is.</param>
    public static void Watch(Func<string?> findLeft)
    {
        lock (Gate)
        {
            Watched.Add(findLeft);
        }
    }

    /// <summary>What <see cref="Watch"/> is to say of a clock with so many delayed calls.</summary>
    public static string? Left(string where, int count) => count switch
    {
        0 => null,
        1 => $"1 delayed call on {where}",
        _ => $"{count} delayed calls on {where}",
    };

    /// <summary>What the test has left; the next test begins with nothing.</summary>
    public static string[] Take()
    {
        Func<string?>[] watched;
        lock (Gate)
        {
            watched = [.. Watched];
            Watched.Clear();
        }

        return Array.FindAll(Array.ConvertAll(watched, static find => find()), static left => left is not null)!;
    }
}
