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

    /// <summary>Gives every poem its place, and refuses two on the same address, and an upstream that is the listener itself.</summary>
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
            problem = upstream.Equals(listen) ? $"{upstream} is the proxy itself" : null;
            for (int j = 0; j < i && problem is null && (listen.IsUnix || listen.Port != 0); j++)
            {
                problem = placed[j].Listen.Equals(listen) ? $"two proxies on {listen}: say PORT=ADDRESS for each" : null;
            }
        }

        return problem is null;
    }
}
