using System.Diagnostics.CodeAnalysis;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// An argument of a server, <c>WHAT</c> or <c>ADDRESS=WHAT</c>: the resource to serve, and optionally the address to listen on.
/// WHAT is a file for <c>serve</c> and an address for <c>proxy</c>. <c>fd:NAME</c> as the address is a socket that systemd
/// passes.
/// </summary>
/// <param name="Listen">The address to listen on; null if the argument has none.</param>
/// <param name="What">The rest of the argument; never empty.</param>
internal sealed record ListenArgument(Endpoint? Listen, string What)
{
    /// <summary>The address of each argument; null for one that has none.</summary>
    public static Endpoint?[] ListenAddresses(ListenArgument[] arguments) => Array.ConvertAll(arguments, argument => argument.Listen);

    /// <summary>Splits an argument at the first <c>=</c> that has an address to its left.</summary>
    /// <param name="text">The text that the user typed.</param>
    /// <param name="argument">The parts. Without an address to the left of any <c>=</c>, the whole text is WHAT.</param>
    /// <param name="problem">The reason for a refusal: a wrong address to the left, or nothing to the right.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out ListenArgument? argument,
        [NotNullWhen(false)] out string? problem)
    {
        argument = null;
        Endpoint? listen = null;
        string what = text;
        for (int equals = text.IndexOf('='); equals >= 0; equals = text.IndexOf('=', equals + 1))
        {
            string left = text[..equals];
            if (TryParseListening(left, out listen, out problem))
            {
                what = text[(equals + 1)..];
                break;
            }

            if (IsMeantAsAddress(left))
            {
                problem += $" (a file of this name is ./{text})";
                return false;
            }
        }

        problem = what.Length > 0 ? null : listen is null ? "an argument is empty" : $"'{text}' has nothing after '='";
        argument = problem is null ? new ListenArgument(listen, what) : null;
        return problem is null;
    }

    private static bool TryParseListening(
        string text, [NotNullWhen(true)] out Endpoint? listen, [NotNullWhen(false)] out string? problem)
    {
        if (!text.StartsWith(Endpoint.InheritedPrefix, StringComparison.Ordinal))
        {
            return Endpoint.TryParseListening(text, out listen, out problem);
        }

        string name = text[Endpoint.InheritedPrefix.Length..];
        problem = name.Length == 0 ? $"there is no name after '{Endpoint.InheritedPrefix}'"
            : name.Contains(':') ? $"'{name}' is not the name of a socket: a colon separates names" : null;
        listen = problem is null ? Endpoint.Inherited(name) : null;
        return listen is not null;
    }

    /// <summary>
    /// True if the text begins like an inherited or a Unix socket, is a number, or ends in a colon and a number: 70000=a.txt has
    /// a wrong port and is not a file. Any other path with a slash is a file.
    /// </summary>
    private static bool IsMeantAsAddress(string left)
    {
        ReadOnlySpan<char> end = left.AsSpan(left.LastIndexOf(':') + 1);
        bool endsInNumber = !end.IsEmpty && !end.ContainsAnyExceptInRange('0', '9');
        return left.StartsWith(Endpoint.InheritedPrefix, StringComparison.Ordinal)
            || left.StartsWith(Endpoint.UnixPrefix, StringComparison.Ordinal)
            || (endsInNumber && !left.Contains('/'));
    }
}
