using System;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Protocols;

/// <summary>A Redis server has refused a command, or has answered what is no reply of Redis.</summary>
/// <param name="message">One line; its first word is the code if the server sent it, such as <c>WRONGTYPE</c>.</param>
[SuppressMessage("Naming", "CA1710", Justification = "One scheme for exceptions, which is Twisted's.")]
public sealed class RedisError(string message) : Exception(message)
{
    /// <summary>The start of the error of a server that has no connection left.</summary>
    internal const string TooManyClients = "ERR max number of clients";

    /// <summary>The code of an error that the server sent, such as <c>WRONGTYPE</c>; empty for any other.</summary>
    public string Code { get; private init; } = string.Empty;

    /// <summary>False if the server has refused this command, and may take others; true if it is in a state to refuse most, or has
    /// not answered with an error.</summary>
    internal bool IsOfServer { get; init; } = true;

    /// <summary>Makes one of the error line of a server.</summary>
    internal static RedisError Parse(ReadOnlySpan<byte> line)
    {
        string text = TextEscaper.Excerpt(line);
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        string code = space < 0 ? text : text[..space];
        if (code.AsSpan().ContainsAnyExceptInRange('A', 'Z'))
        {
            return new RedisError(text);
        }

        return new RedisError(text)
        {
            Code = code,
            IsOfServer = code is "READONLY" or "LOADING" or "MASTERDOWN" or "CLUSTERDOWN" or "MISCONF" or "NOREPLICAS" or "BUSY" or "NOAUTH"
                || text.StartsWith(TooManyClients, StringComparison.Ordinal),
        };
    }
}
