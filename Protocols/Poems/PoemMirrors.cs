using System.Diagnostics.CodeAnalysis;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The servers of one poem, in the order of preference: <c>a:10001,b:10001</c>.</summary>
internal sealed class PoemMirrors
{
    private readonly Endpoint[] _endpoints;
    private readonly string _name;

    public PoemMirrors(params Endpoint[] endpoints)
    {
        _endpoints = endpoints;
        _name = string.Join(',', (object[])endpoints);
    }

    /// <summary>The servers: at least one; no two are equal.</summary>
    public ReadOnlySpan<Endpoint> Endpoints => _endpoints;

    /// <summary>The preferred server.</summary>
    public Endpoint First => _endpoints[0];

    /// <summary>Parses addresses that are separated by commas.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PoemMirrors? mirrors, [NotNullWhen(false)] out string? problem)
    {
        string[] words = text.Split(',');
        var endpoints = new Endpoint[words.Length];
        mirrors = null;
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i].Length == 0 && words.Length > 1)
            {
                problem = $"'{text}': an address is missing beside a comma";
                return false;
            }

            if (!Endpoint.TryParse(words[i], out Endpoint? endpoint, out problem))
            {
                return false;
            }

            if (Array.IndexOf(endpoints, endpoint, 0, i) >= 0)
            {
                problem = $"'{text}': {endpoint} is there twice";
                return false;
            }

            endpoints[i] = endpoint;
        }

        mirrors = new PoemMirrors(endpoints);
        problem = null;
        return true;
    }

    /// <summary>The addresses, with the default host filled in.</summary>
    public override string ToString() => _name;
}
