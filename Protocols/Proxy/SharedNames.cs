namespace Poetry.Protocols;

/// <summary>The names in a shared cache. They and the format of the values are a contract between all versions.</summary>
/// <param name="Prefix">The start of all names.</param>
internal sealed record SharedNames(string Prefix)
{
    /// <summary>The prefix of this format of names and values.</summary>
    public const string DefaultPrefix = "poetry:1";

    /// <summary>The lifetime of a lock, unless it is renewed. If a proxy dies in a fetch, the others wait this long.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>The channel on which purged keys are published.</summary>
    public string Channel { get; } = $"{Prefix}:purge";

    /// <summary>The key that is written, for one second, to check that the cache can be used.</summary>
    public string ProbeKey { get; } = $"{Prefix}:probe";

    /// <summary>The key of a poem. The braces keep it and its lock in one slot of a cluster.</summary>
    /// <param name="format">The format of the poem.</param>
    /// <param name="transformation">The transformation of the stored poem; null for none.</param>
    /// <param name="upstream">The upstream, as the user typed it.</param>
    public string KeyOf(PoemFormat format, string? transformation, string upstream) =>
        $"{Prefix}:{{{(format == PoemFormat.Netstring ? "framed" : "plain")}:{transformation ?? "-"}:{upstream}}}";

    public static string LockOf(string key) => $"{key}:lock";
}
