using System.Diagnostics.CodeAnalysis;
using ConsoleAppFramework;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The command <c>proxy</c>.</summary>
internal sealed class ProxySyntax(Binding binding, ServerSyntax servers)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry proxy --port 10000 10001", "in front of a server on this machine"),
        ("poetry proxy 10000=poems.example:10001 10010=poems.example:10002", "two poems"),
        ("poetry proxy --ttl 10m --stale-if-error 1d --port 10000 10001", "and when the server is down"),
        ("poetry proxy --port 10000 a.example:10001,b.example:10001", "a server and its mirror"),
        ("poetry proxy --file upstreams.conf", "the servers of a list, which SIGHUP reads again"),
        ("poetry proxy --shared-cache redis://cache.example --port 10000 10001", "what one proxy has fetched, all have"),
        ("poetry proxy --transform shout --via 11000 --port 10000 10001", "kept transformed"),
    ];

    /// <summary>Fetch a poem once for all clients, and keep it for later ones.</summary>
    /// <param name="listen">ADDRESS: Where to listen, in place of --iface and --port</param>
    /// <param name="ttl">TIME|forever: Keep a poem in memory for this time; 0 for never</param>
    /// <param name="staleIfError">TIME|forever: Serve an expired poem for this time if it cannot be fetched again</param>
    /// <param name="staleWhileRevalidate">TIME|forever: Serve an expired poem at once for this time, while it is fetched again</param>
    /// <param name="timeout">SECONDS: Fail a fetch if the upstream sends nothing for this time, 0 for never</param>
    /// <param name="maxPoem">BYTES: Pass a longer poem through without keeping it, 0 for no limit</param>
    /// <param name="maxCache">BYTES: Maximum memory of all poems, 0 for no limit; --transform needs more while it works</param>
    /// <param name="storeAndForward">Send nothing before the poem is whole</param>
    /// <param name="netstring">The poem travels as a netstring, on both sides, so that a cut is noticed</param>
    /// <param name="transform">NAME: Keep poems transformed; needs --via</param>
    /// <param name="via">ADDRESS: The server that transforms</param>
    /// <param name="allowEmpty">Take 0 bytes for an empty poem, and not for a failure</param>
    /// <param name="sharedCache">URL: Share poems with other proxies through the Redis or Valkey at
    /// redis://[USER:PASSWORD@]HOST[:PORT][/DB] or unix:PATH[?db=N]</param>
    /// <param name="sharedPrefix">TEXT: What the names in the shared cache begin with</param>
    /// <param name="sharedTimeout">SECONDS: Go on without the shared cache if it brings less than 16 KiB in this time</param>
    /// <param name="sharedMax">BYTES: Do not store a longer poem in the shared cache, 0 for no limit</param>
    /// <param name="file">PATH: Read [LISTEN=]ADDRESS lines from there, and again on SIGHUP</param>
    /// <param name="address">ADDRESS: The poetry server, its mirrors after commas, or LISTEN=ADDRESS for each of several</param>
    public void Proxy(
        string? listen = null,
        string ttl = "2h",
        string staleIfError = "0",
        string staleWhileRevalidate = "0",
        string timeout = "60",
        string maxPoem = "64MiB",
        string maxCache = "256MiB",
        bool storeAndForward = false,
        bool netstring = false,
        string? transform = null,
        string? via = null,
        bool allowEmpty = false,
        string? sharedCache = null,
        string sharedPrefix = SharedNames.DefaultPrefix,
        string sharedTimeout = "0.5",
        string sharedMax = "64MiB",
        string? file = null,
        [Argument] params string[] address)
    {
        ServerOptions server = servers.Options;
        Endpoint? named = binding.Read<Endpoint>(listen, Endpoint.TryParseListening);
        TimeSpan lifetime = binding.Read<TimeSpan>(ttl, Quantity.TryParseLifetime);
        TimeSpan stale = binding.Read<TimeSpan>(staleIfError, Quantity.TryParseLifetime);
        TimeSpan revalidate = binding.Read<TimeSpan>(staleWhileRevalidate, Quantity.TryParseLifetime);
        long cacheBytes = binding.Read<long>(maxCache, TryParseLimit);
        SharedCacheSettings? shared = ReadShared(sharedCache, sharedPrefix, sharedTimeout, sharedMax, out long sharedBytes);
        var settings = new ProxySettings
        {
            Proxy = new ProxyOptions
            {
                Lifetime = lifetime,
                StaleIfError = stale,
                StaleWhileRevalidate = revalidate,
                StoreAndForward = storeAndForward,
                Format = netstring ? PoemFormat.Netstring : PoemFormat.Plain,
                AllowEmpty = allowEmpty,
                MaxPoemBytes = binding.Read<long>(maxPoem, TryParseLimit),
                MaxSharedBytes = sharedBytes,
                Timeout = binding.Read<TimeSpan>(timeout, Quantity.TryParseLimit),
            },
            Shared = lifetime > TimeSpan.Zero ? shared : null,
            ListFile = binding.Read<string>(file, GetSyntax.TryParsePath),
            Fallback = server.ListenAt(named),
            Transform = binding.Read<string>(transform, GetSyntax.TryParseTransformation),
            Via = binding.Read<Endpoint>(via, Endpoint.TryParse),
            MaxCacheBytes = binding.Has("--max-cache") ? cacheBytes : Math.Min(cacheBytes, AvailableMemory.Bytes() / 2),
        };
        ListenArgument[] arguments = binding.ReadAll<ListenArgument>(address, ListenArgument.TryParse);
        binding.Refuse(settings.ListFile is null && arguments.Length == 0 ? "no address given (try 'poetry proxy --help')"
            : settings.ListFile is not null && arguments.Length > 0 ? "--file and addresses as arguments exclude each other"
            : null);
        ProxiedPoem[] proxied = Array.ConvertAll(arguments, argument =>
        {
            Endpoint assigned = argument.Listen is null ? settings.Fallback : server.ListenAt(argument.Listen);
            var served = new ServedPoem(assigned, argument.What);
            binding.Refuse(ProxiedPoem.TryMake(served, out ProxiedPoem? poem, out string? problem) ? null : problem);
            return poem!;
        });
        if (!binding.HasFailed)
        {
            servers.RefuseTwice(Array.ConvertAll(proxied, poem => poem.Listen), "proxies", "PORT=ADDRESS");
        }

        GetSyntax.RefuseUnpaired(binding, transform, via);
        RefuseStale("--stale-if-error", stale, lifetime);
        RefuseStale("--stale-while-revalidate", revalidate, lifetime);
        binding.Refuse(allowEmpty && netstring ? "--allow-empty has no effect: 0 bytes are no netstring" : null);
        Endpoint?[] addresses = ListenArgument.ListenAddresses(arguments);
        binding.Refuse(named is not null && Array.IndexOf(addresses, null) < 0 ? ServerSyntax.NoEffect("--listen") : null);
        servers.RefuseUnused(Array.ConvertAll(addresses, given => given ?? named));
        int unassigned = Array.FindAll(addresses, given => given is null).Length;
        binding.Run(
            new ProxyCommand(server, settings, proxied).Run,
            unassigned > 1 ? $"these are {unassigned} proxies on random ports: say PORT=ADDRESS for each to choose them" : null);
    }

    private SharedCacheSettings? ReadShared(
        string? sharedCache, string sharedPrefix, string sharedTimeout, string sharedMax, out long maxBytes)
    {
        string? text = sharedCache is null ? null : Binding.Unmarked(sharedCache);
        SharedCacheSettings.ReadAddress(text, Environment.GetEnvironmentVariable, out RedisAddress? address, out string? problem);
        binding.Refuse(problem);
        string? prefix = binding.Read<string>(sharedPrefix, SharedCacheSettings.TryParsePrefix);
        TimeSpan timeout = binding.Read<TimeSpan>(sharedTimeout, Quantity.TryParseLimit);
        maxBytes = binding.Read<long>(sharedMax, TryParseLimit);
        if (address is null)
        {
            string? unused = Array.Find(["--shared-prefix", "--shared-timeout", "--shared-max"], binding.Has);
            binding.Refuse(unused is null ? null : $"{unused} has no effect without --shared-cache");
            return null;
        }

        return new SharedCacheSettings { Address = address, Names = new SharedNames(prefix ?? string.Empty), Timeout = timeout };
    }

    private void RefuseStale(string option, TimeSpan stale, TimeSpan lifetime) =>
        binding.Refuse(stale == TimeSpan.Zero ? null
            : lifetime == TimeSpan.Zero ? $"{option} has no effect: with --ttl 0 no poem is kept"
            : lifetime == Quantity.Never ? $"{option} has no effect: with --ttl forever no poem grows stale"
            : null);

    /// <summary>Reads a limit in bytes; 0 means no limit.</summary>
    private static bool TryParseLimit(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        bool ok = Quantity.TryParseSize(text, out bytes, out problem);
        bytes = bytes == 0 ? long.MaxValue : bytes;
        return ok;
    }
}
