using System;

namespace Poetry.Protocols;

/// <summary>The names in a shared cache. They and the format of the values are a contract between all versions.</summary>
/// <param name="Prefix">In front of all of them.</param>
internal sealed record SharedNames(string Prefix)
{
    /// <summary>The prefix of this format of names and values.</summary>
    public const string DefaultPrefix = "poetry:1";

    /// <summary>How long a lock lives unless it is renewed. A proxy that dies in a fetch costs the others this much.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    /// <summary>The channel on which purged keys are published.</summary>
    public string Channel { get; } = $"{Prefix}:purge";

    /// <summary>The key that is written, for a second, to find out if the cache can be used.</summary>
    public string ProbeKey { get; } = $"{Prefix}:probe";

    /// <summary>The key of a poem. The braces keep it and its lock in one slot of a cluster.</summary>
    /// <param name="format">How it travels.</param>
    /// <param name="transformation">The transformation that it is kept in; null for none.</param>
    /// <param name="upstream">As typed.</param>
    public string KeyOf(PoemFormat format, string? transformation, string upstream) =>
        $"{Prefix}:{{{(format == PoemFormat.Netstring ? "framed" : "plain")}:{transformation ?? "-"}:{upstream}}}";

    public static string LockOf(string key) => $"{key}:lock";
}
