using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>A poem that a server offers, and where.</summary>
/// <param name="Listen">The complete address of its listener, with <c>--port</c> and <c>--iface</c> applied.</param>
/// <param name="What">As typed: the addresses of an upstream; or a file, where <see cref="PoemReader.StandardInput"/> stands
/// for standard input, for one poem at most.</param>
/// <param name="LinePrefix">Its line in a <see cref="ListenFile"/>, before a message about it; empty if there is no list.</param>
internal sealed record ServedPoem(Endpoint Listen, string What, string LinePrefix = "");
