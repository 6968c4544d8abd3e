using System.Diagnostics.CodeAnalysis;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>A poem of <c>proxy</c>: its address and its upstream.</summary>
/// <param name="Listen">The complete address of its listener.</param>
/// <param name="Upstream">The poetry servers that have it.</param>
/// <param name="LinePrefix">The prefix of messages about it, which names its line in a <see cref="ListenFile"/>; empty if there
/// is no list.</param>
internal sealed record ProxiedPoem(Endpoint Listen, PoemMirrors Upstream, string LinePrefix)
{
    /// <summary>Reads the addresses of an upstream.</summary>
    /// <param name="served">The poem, with the addresses as typed.</param>
    /// <param name="poem">The same, with the addresses read.</param>
    /// <param name="problem">The problem, in one line.</param>
    public static bool TryMake(
        ServedPoem served, [NotNullWhen(true)] out ProxiedPoem? poem, [NotNullWhen(false)] out string? problem)
    {
        poem = null;
        if (PoemMirrors.TryParse(served.What, out PoemMirrors? upstream, out problem))
        {
            Endpoint listen = served.Listen;
            Endpoint? own = Array.Find(upstream.Endpoints.ToArray(), mirror => mirror.Equals(listen) || IsOnLoopback(listen, mirror));
            problem = own is null ? null : own.Equals(listen) ? $"{own} is the proxy itself" : $"{own} is the proxy itself, on {listen}";
            poem = problem is null ? new ProxiedPoem(listen, upstream, served.LinePrefix) : null;
        }

        return poem is not null;
    }

    /// <summary>True if the upstream leads to the listener through <c>localhost</c>, or because it listens on all addresses.
    /// Other names are looked up only when they are needed, after the server has started: see
    /// <see cref="PoemRequest.IsOwn"/>.</summary>
    private static bool IsOnLoopback(Endpoint listen, Endpoint upstream) => listen.Port == upstream.Port && (listen.Host switch
    {
        "127.0.0.1" or "::1" => IsLocalHost(upstream),
        "0.0.0.0" => IsLocalHost(upstream) || upstream.Host == "127.0.0.1",
        "::" => IsLocalHost(upstream) || upstream.Host is "127.0.0.1" or "::1",
        _ => IsLocalHost(listen) && upstream.Host is "127.0.0.1" or "::1",
    });

    private static bool IsLocalHost(Endpoint endpoint) => string.Equals(endpoint.Host, "localhost", StringComparison.OrdinalIgnoreCase);
}
