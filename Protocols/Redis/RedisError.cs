using System.Diagnostics.CodeAnalysis;

namespace Poetry.Protocols;

/// <summary>A command has failed: the server refused it, or sent no valid reply in time, or the client can't send it.</summary>
/// <param name="message">One line; its first word is the code if the server sent it, such as <c>WRONGTYPE</c>.</param>
[SuppressMessage("Naming", "CA1710", Justification = "One scheme for exceptions, which is Twisted's.")]
public sealed class RedisError(string message) : Exception(message)
{
    /// <summary>The start of the error that a server sends when it accepts no more connections.</summary>
    internal const string TooManyClients = "ERR max number of clients";

    /// <summary>The code of an error that the server sent, such as <c>WRONGTYPE</c>; empty for any other.</summary>
    public string Code { get; private init; } = string.Empty;

    /// <summary>False if only this command has failed, and others may succeed; true if the server would refuse most commands,
    /// or did not answer with an error.</summary>
    internal bool IsOfServer { get; init; } = true;

    /// <summary>Reads the error line of a server.</summary>
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
