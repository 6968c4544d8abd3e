using System;
using System.CommandLine;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>What <c>proxy</c> lets the user choose beside what all servers do.</summary>
internal sealed class ProxySettings
{
    /// <summary>How poems are fetched and kept.</summary>
    public required ProxyOptions Proxy { get; init; }

    /// <summary>An upstream that sends nothing for so long has failed; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What all poems in memory may weigh together, kept or not.</summary>
    public required long MaxCacheBytes { get; init; }
}

/// <summary>The options of <c>proxy</c>, declared on its command.</summary>
internal sealed class ProxyOptionSet
{
    private readonly Option<Endpoint> _listen;
    private readonly Option<TimeSpan> _lifetime;
    private readonly Option<TimeSpan> _timeout;
    private readonly Option<TimeSpan> _staleIfError;
    private readonly Option<long> _maxPoemBytes;
    private readonly Option<long> _maxCacheBytes;
    private readonly Option<bool> _storeAndForward;
    private readonly Option<bool> _netstring;

    /// <summary>Declares them.</summary>
    public ProxyOptionSet(CommandSpec command)
    {
        _listen = command.Value<Endpoint>(
            "--listen", "ADDRESS", "Where to listen, in place of --iface and --port", null, Endpoint.TryParseListening);
        _lifetime = command.Value<TimeSpan>(
            "--ttl", "TIME", "Serve a poem from memory for so long; 0 for never, or forever", "2h", Quantity.TryParseLifetime);
        _staleIfError = command.Value<TimeSpan>(
            "--stale-if-error", "TIME", "Serve it on for so long if it cannot be fetched again", "0", Quantity.TryParseLifetime);
        _timeout = command.Value<TimeSpan>(
            "--timeout", "SECONDS", "An upstream that sends nothing for so long has failed, 0 for never", "60", Quantity.TryParseLimit);
        _maxPoemBytes = command.Value<long>(
            "--max-poem", "BYTES", "Pass a longer poem through without keeping it, 0 for no limit", "64MiB", TryParseLimit);
        _maxCacheBytes = command.Value<long>(
            "--max-cache", "BYTES", "Most that all poems in memory may weigh, 0 for no limit", "256MiB", TryParseLimit);
        _storeAndForward = command.Flag("--store-and-forward", "Send nothing before the poem is whole");
        _netstring = command.Flag("--netstring", "The poem travels as a netstring, on both sides, so that a cut is noticed");
    }

    /// <summary>What was chosen, in a result without errors.</summary>
    public ProxySettings Read(ParseResult result) => new()
    {
        Proxy = new ProxyOptions
        {
            Lifetime = result.GetValue(_lifetime),
            StaleIfError = result.GetValue(_staleIfError),
            StoreAndForward = result.GetValue(_storeAndForward),
            Format = result.GetValue(_netstring) ? PoemFormat.Netstring : PoemFormat.Plain,
            MaxPoemBytes = result.GetValue(_maxPoemBytes),
        },
        Timeout = result.GetValue(_timeout),
        MaxCacheBytes = ServerOptionSet.IsTyped(result, _maxCacheBytes)
            ? result.GetValue(_maxCacheBytes)
            : Math.Min(result.GetValue(_maxCacheBytes), AvailableMemory.Bytes() / 2),
    };

    /// <summary>Where a proxy listens whose argument names no place.</summary>
    public Endpoint ListenAt(ParseResult result, ServerOptions server) =>
        server.ListenAt(result.GetValue(_listen));

    /// <summary>Finds an option that was typed in vain, as <see cref="ServerOptionSet.InVain"/> does.</summary>
    /// <param name="result">What was typed.</param>
    /// <param name="server">The options of all servers.</param>
    /// <param name="places">Where the arguments listen; null for one that names no place.</param>
    public string? InVain(ParseResult result, ServerOptionSet server, Endpoint?[] places)
    {
        TimeSpan lifetime = result.GetValue(_lifetime);
        bool hasStale = result.GetValue(_staleIfError) > TimeSpan.Zero;
        if (lifetime == TimeSpan.Zero && hasStale)
        {
            return "--stale-if-error is in vain: with --ttl 0 no poem is kept";
        }

        if (lifetime == Quantity.Never && hasStale)
        {
            return "--stale-if-error is in vain: with --ttl forever no poem grows stale";
        }

        Endpoint? listen = result.GetValue(_listen);
        if (listen is not null && Array.IndexOf(places, null) < 0)
        {
            return "--listen is in vain: there is another address to listen on";
        }

        return server.InVain(result, Array.ConvertAll(places, place => place ?? listen));
    }

    /// <summary>Reads a limit in bytes, of which 0 is none.</summary>
    private static bool TryParseLimit(string text, out long bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        bool ok = Quantity.TryParseSize(text, out bytes, out problem);
        bytes = bytes == 0 ? long.MaxValue : bytes;
        return ok;
    }
}
