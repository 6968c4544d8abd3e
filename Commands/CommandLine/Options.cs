using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The format of log records. All enumerations here have the order of the words of their options, such as
/// <c>--log-format</c>.</summary>
internal enum LogFormat
{
    Text,
    Json,
}

/// <summary>The style in which <c>get</c> shows its progress.</summary>
internal enum ProgressStyle
{
    /// <summary>Bars on a terminal, lines elsewhere.</summary>
    Auto,
    Lines,
    Bars,

    /// <summary>Only the summary and failures.</summary>
    None,
    Json,
}

/// <summary>The use of colours in progress bars.</summary>
internal enum ColourMode
{
    /// <summary>Colours on a terminal, unless NO_COLOR is set.</summary>
    Auto,
    Always,
    Never,
}

/// <summary>
/// The options of all servers. The docs of the methods that declare options explain each of them: here
/// <see cref="ServerSyntax.Servers"/>. <see cref="Quantity.Never"/> means no limit.
/// </summary>
internal sealed class ServerOptions
{
    public required int Port { get; init; }

    /// <summary>The address, without brackets.</summary>
    public required string Iface { get; init; }
    public required int Workers { get; init; }

    /// <summary>The maximum number of clients; 0 for no limit, null for the number that the descriptor limit allows.</summary>
    public required int? MaxConnections { get; init; }
    public required int MaxPerAddress { get; init; }
    public required bool ProxyProtocol { get; init; }
    public required TimeSpan SendTimeout { get; init; }
    public required TimeSpan Drain { get; init; }
    public required LogLevel LogLevel { get; init; }
    public required LogFormat LogFormat { get; init; }
    public string? LogFile { get; init; }
    public required Endpoint? Metrics { get; init; }

    /// <summary>The address to listen on: the named one, with <c>--iface</c> if it has no host, or else
    /// <c>--iface</c> and <c>--port</c>.</summary>
    public Endpoint ListenAt(Endpoint? named) => named?.WithDefaultHost(Iface) ?? Endpoint.Tcp(Iface, Port);
}

/// <summary>The options of <c>serve</c> and <c>slow-serve</c>: see <see cref="PoemSyntax.Poems"/>.</summary>
internal sealed class ServeOptions
{
    /// <summary>At least one poem, unless there is a list. No two have the same address, unless its port is 0.</summary>
    public required ServedPoem[] Poems { get; init; }

    /// <summary>The file of <c>--file</c> that lists the poems; null for none.</summary>
    public string? ListFile { get; init; }
    public required PoemFormat Format { get; init; }
}

/// <summary>The options of <c>transform</c>: see <see cref="TransformSyntax.Transform"/>.</summary>
internal sealed class TransformOptions
{
    /// <summary>The address for netstrings.</summary>
    public required Endpoint Listen { get; init; }

    /// <summary>The address for bare texts; null for none.</summary>
    public required Endpoint? TextListen { get; init; }
    public required int MaxLength { get; init; }
    public required TimeSpan Timeout { get; init; }

    /// <summary>Null for the default, which depends on the machine.</summary>
    public required long? MaxMemory { get; init; }

    /// <summary>The server that does the work, or null for this one.</summary>
    public required Endpoint? Upstream { get; init; }
}

/// <summary>The options of <c>get</c>: see <see cref="GetSyntax.Get"/>.</summary>
internal sealed class GetOptions
{
    /// <summary>The transformation of every poem, or null. Set if and only if <see cref="Via"/> is set.</summary>
    public required string? Transform { get; init; }
    public required Endpoint? Via { get; init; }
    public required bool StrictTransform { get; init; }
    public required PoemRequest Request { get; init; }
    public required TimeSpan MaxTime { get; init; }

    /// <summary>0 for no limit.</summary>
    public required long MaxBytes { get; init; }
    public required long? ExpectBytes { get; init; }
    public required byte[]? Sha256 { get; init; }
    public required int Retry { get; init; }

    /// <summary>0 for no limit.</summary>
    public required int ParallelMax { get; init; }

    /// <summary>A file or a directory, or null for standard output. See <see cref="PoemFile"/>.</summary>
    public required string? Output { get; init; }
    public required bool Sync { get; init; }
    public required bool Stream { get; init; }

    /// <summary>True to print poems at the end. Files are still written as they come.</summary>
    public required bool Wait { get; init; }
    public required bool Race { get; init; }
    public required bool AllOrNothing { get; init; }
    public required ProgressStyle Progress { get; init; }
    public required ColourMode Colour { get; init; }
    public required bool Quiet { get; init; }

    /// <summary>0 for failures and progress, 1 for connections and retries too, 2 for the engine's records too.</summary>
    public required int Verbosity { get; init; }

    /// <summary>True if control characters go to a terminal unescaped.</summary>
    public required bool Raw { get; init; }
}
