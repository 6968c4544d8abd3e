using System;
using System.Diagnostics.CodeAnalysis;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>A poem that <c>proxy</c> is to pass on: where it listens, and where the poem comes from.</summary>
/// <param name="listen">The complete address of its listener.</param>
/// <param name="upstream">The poetry server.</param>
internal sealed class ProxiedPoem(Endpoint listen, Endpoint upstream)
{
    /// <summary>Where it is served.</summary>
    public Endpoint Listen => listen;

    /// <summary>Where it is fetched.</summary>
    public Endpoint Upstream => upstream;

    /// <summary>Gives every poem its place, and refuses what could not all be listened on, and circles.</summary>
    /// <param name="arguments">As typed.</param>
    /// <param name="fallback">Where an argument listens that names no place.</param>
    /// <param name="iface">The host of places that name none.</param>
    /// <param name="placed">One for each argument.</param>
    /// <param name="problem">What is wrong, in one line.</param>
    public static bool TryPlace(
        ListenArgument[] arguments,
        Endpoint fallback,
        string iface,
        out ProxiedPoem[] placed,
        [NotNullWhen(false)] out string? problem)
    {
        placed = new ProxiedPoem[arguments.Length];
        problem = arguments.Length == 0 ? "no address given (try 'poetry proxy --help')" : null;
        for (int i = 0; i < arguments.Length && problem is null; i++)
        {
            Endpoint listen = arguments[i].Listen?.WithDefaultHost(iface) ?? fallback;
            if (!Endpoint.TryParse(arguments[i].What, out Endpoint? upstream, out problem))
            {
                break;
            }

            placed[i] = new ProxiedPoem(listen, upstream);
            for (int j = 0; j < i && problem is null && (listen.IsUnix || listen.Port != 0); j++)
            {
                problem = placed[j].Listen.Equals(listen) ? $"two proxies on {listen}: say PORT=ADDRESS for each" : null;
            }
        }

        problem ??= FindCircle(placed);
        return problem is null;
    }

    /// <summary>A proxy whose upstream is itself, at once or by way of others here, would wait for itself for ever.</summary>
    private static string? FindCircle(ProxiedPoem[] placed)
    {
        foreach (ProxiedPoem start in placed)
        {
            ProxiedPoem? at = start;
            for (int steps = 0; steps < placed.Length && at is not null; steps++)
            {
                at = Behind(at, placed);
                if (at == start)
                {
                    return steps == 0
                        ? $"{start.Upstream} is the proxy itself"
                        : $"{start.Upstream} leads back to the proxy itself";
                }
            }
        }

        return null;
    }

    /// <summary>The proxy here that a proxy has for its upstream, or null.</summary>
    private static ProxiedPoem? Behind(ProxiedPoem poem, ProxiedPoem[] placed)
    {
        foreach (ProxiedPoem other in placed)
        {
            if (IsServedBy(poem.Upstream, other.Listen))
            {
                return other;
            }
        }

        return null;
    }

    /// <summary>
    /// Who connects there, does he come here? As far as can be told before anything is bound or looked up; what else a name
    /// leads to is told when it is connected to, by <see cref="OwnAddresses"/>.
    /// </summary>
    internal static bool IsServedBy(Endpoint upstream, Endpoint listen)
    {
        if (upstream.IsUnix || listen.IsUnix)
        {
            return upstream.IsUnix && listen.IsUnix
                && NativeFile.RealPath(upstream.UnixPath) == NativeFile.RealPath(listen.UnixPath);
        }

        if (upstream.Port != listen.Port)
        {
            return false;
        }

        bool isNumber = upstream.TryGetAddress(out SocketAddress to);
        if (listen.TryGetAddress(out SocketAddress at))
        {
            return isNumber
                ? OwnAddresses.Reaches(to, at, takesIPv4: false)
                : IsLocalName(upstream.Host) && (at.Canonical().IsLoopback || at.IsAny);
        }

        return isNumber
            ? IsLocalName(listen.Host) && (to.Canonical().IsLoopback || to.Canonical().IsAny)
            : Bare(upstream.Host).Equals(Bare(listen.Host), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The one name that is this machine everywhere (RFC 6761, 6.3).</summary>
    private static bool IsLocalName(string host) => Bare(host).Equals("localhost", StringComparison.OrdinalIgnoreCase);

    /// <summary>A point at the end only says that a name is whole.</summary>
    private static ReadOnlySpan<char> Bare(string host) => host.AsSpan().TrimEnd('.');
}
