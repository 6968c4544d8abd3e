using System.Diagnostics.CodeAnalysis;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The cache that a proxy shares with others: the options that begin with <c>--shared-</c>.</summary>
internal sealed class SharedCacheSettings
{
    /// <summary>The variable for the address. Every user of the machine can read the option <c>--shared-cache</c>.</summary>
    public const string AddressVariable = "POETRY_SHARED_CACHE";

    /// <summary>The variable for the password of an address that has none.</summary>
    public const string PasswordVariable = "POETRY_SHARED_PASSWORD";

    public required RedisAddress Address { get; init; }

    public required SharedNames Names { get; init; }

    /// <summary>The maximum time for 16 KiB, or for a complete reply.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Reads the address.</summary>
    /// <param name="option">The value of the option; null if it was not given.</param>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="address">Null for no shared cache.</param>
    /// <param name="problem">The problem, in one line that quotes no part of the address; null for none.</param>
    public static void ReadAddress(
        string? option, Func<string, string?> variable, out RedisAddress? address, out string? problem)
    {
        string text = option ?? variable(AddressVariable) ?? string.Empty;
        address = null;
        problem = null;
        string? password = variable(PasswordVariable) is { Length: > 0 } word ? word : null;
        if (text.Length > 0 && !RedisAddress.TryParse(text, out address, out problem, password))
        {
            problem = $"{(option is null ? AddressVariable : "--shared-cache")}: {problem}";
        }
    }

    public static bool TryParsePrefix(string text, [NotNullWhen(true)] out string? prefix, [NotNullWhen(false)] out string? problem)
    {
        // The first pair of braces in a key chooses its slot in a cluster.
        bool isName = text.Length is > 0 and <= 100;
        foreach (char c in text)
        {
            isName &= c > ' ' && c is not ('{' or '}' or '*' or '\u007F');
        }

        prefix = isName ? text : null;
        problem = isName ? null : $"'{text}' is not a prefix of 1 to 100 characters without spaces, braces and *";
        return isName;
    }
}
