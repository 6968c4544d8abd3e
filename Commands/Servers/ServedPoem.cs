using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>A poem that <c>serve</c> or <c>slow-serve</c> offers, and where.</summary>
/// <param name="Listen">The complete address of its listener, with <c>--port</c> and <c>--iface</c> applied.</param>
/// <param name="File">As typed; <see cref="PoemReader.StandardInput"/> stands for standard input, for one poem at most.</param>
internal sealed record ServedPoem(Endpoint Listen, string File)
{
    /// <summary>Its line in the list of poems, before a message about it; empty if there is no list.</summary>
    public string Place { get; init; } = string.Empty;
}
