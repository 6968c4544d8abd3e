using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>A poem that a server offers, with its address.</summary>
/// <param name="Listen">The complete address of its listener, with <c>--port</c> and <c>--iface</c> applied.</param>
/// <param name="What">The text that the user typed: the addresses of an upstream, or a file.
/// <see cref="PoemReader.StandardInput"/> means standard input, for at most one poem.</param>
/// <param name="LinePrefix">The prefix of messages about it, which names its line in a <see cref="ListenFile"/>; empty if there
/// is no list.</param>
internal sealed record ServedPoem(Endpoint Listen, string What, string LinePrefix = "");
