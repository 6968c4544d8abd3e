using Poetry.Net;

namespace Poetry.Commands;

/// <summary>A poem that <c>serve</c> or <c>slow-serve</c> is to offer, and where.</summary>
/// <param name="listen">The complete address of its listener: <c>--port</c> and <c>--iface</c> are already in it.</param>
/// <param name="file">As typed; <see cref="StandardInput"/> reads standard input.</param>
internal sealed class ServedPoem(Endpoint listen, string file)
{
    /// <summary>What stands for standard input; at most one poem comes from there.</summary>
    public const string StandardInput = "-";

    /// <summary>Where it is served.</summary>
    public Endpoint Listen => listen;

    /// <summary>Where it is read from.</summary>
    public string File => file;
}
