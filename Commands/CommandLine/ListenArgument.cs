using System;
using System.Diagnostics.CodeAnalysis;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// An argument of a server: what it serves, and perhaps where, as <c>WHAT</c> or <c>ADDRESS=WHAT</c>. For <c>serve</c> the
/// what is a file, for <c>proxy</c> an address.
/// </summary>
internal sealed class ListenArgument
{
    private ListenArgument(Endpoint? listen, string what)
    {
        Listen = listen;
        What = what;
    }

    /// <summary>Where to listen; null where the argument names no place.</summary>
    public Endpoint? Listen { get; }

    /// <summary>The rest of the argument; never empty.</summary>
    public string What { get; }

    /// <summary>Where each of them listens; null for one that names no place.</summary>
    public static Endpoint?[] Places(ListenArgument[] arguments) => Array.ConvertAll(arguments, argument => argument.Listen);

    /// <summary>Splits an argument at the first <c>=</c> that has an address to its left.</summary>
    /// <param name="text">As the user wrote it.</param>
    /// <param name="argument">The parts. Without an address to the left of any <c>=</c>, all of it is the what.</param>
    /// <param name="problem">Why it is neither: the left side is nearly an address, or nothing is to the right.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out ListenArgument? argument,
        [NotNullWhen(false)] out string? problem)
    {
        argument = null;
        problem = null;
        for (int equals = text.IndexOf('='); equals >= 0; equals = text.IndexOf('=', equals + 1))
        {
            string left = text[..equals];
            if (Endpoint.TryParseListening(left, out Endpoint? listen, out string? whyNot))
            {
                string what = text[(equals + 1)..];
                problem = what.Length == 0 ? $"'{text}' says nothing after '='" : null;
                argument = problem is null ? new ListenArgument(listen, what) : null;
                return problem is null;
            }

            if (IsMeantAsAddress(left))
            {
                problem = $"{whyNot} (a file of this name is ./{text})";
                return false;
            }
        }

        if (text.Length == 0)
        {
            problem = "an argument is empty";
            return false;
        }

        argument = new ListenArgument(null, text);
        return true;
    }

    /// <summary>
    /// Does it end like an address, in a number alone or after a colon? Then 70000=a.txt is a mistaken port and not a
    /// file; a path with a slash is a file in any case.
    /// </summary>
    private static bool IsMeantAsAddress(string left)
    {
        ReadOnlySpan<char> end = left.AsSpan(left.LastIndexOf(':') + 1);
        return !left.Contains('/') && !end.IsEmpty && !end.ContainsAnyExceptInRange('0', '9');
    }
}
