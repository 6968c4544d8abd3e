using System;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>How a log record is written. In the order of the words of <c>--log-format</c>, as all enumerations here.</summary>
internal enum LogFormat
{
    Text,
    Json,
}

/// <summary>How <c>get</c> shows its progress.</summary>
internal enum ProgressStyle
{
    /// <summary>Bars on a terminal, lines elsewhere.</summary>
    Auto,
    Lines,
    Bars,

    /// <summary>The summary and failures remain.</summary>
    None,
    Json,
}

/// <summary>When progress bars are coloured.</summary>
internal enum ColourMode
{
    /// <summary>On a terminal, unless NO_COLOR is set.</summary>
    Auto,
    Always,
    Never,
}

/// <summary>
/// What all servers let the user choose. The docs of the methods that declare options say what each means: here those of
/// <see cref="ServerSyntax.Servers"/>. <see cref="Quantity.Never"/> stands for no limit.
/// </summary>
internal sealed class ServerOptions
{
    public required int Port { get; init; }

    /// <summary>Without brackets.</summary>
    public required string Iface { get; init; }
    public required int Workers { get; init; }

    /// <summary>0 means no limit, null what the descriptor limit allows.</summary>
    public required int? MaxConnections { get; init; }
    public required int MaxPerAddress { get; init; }
    public required bool ProxyProtocol { get; init; }
    public required TimeSpan SendTimeout { get; init; }
    public required TimeSpan Drain { get; init; }
    public required LogLevel LogLevel { get; init; }
    public required LogFormat LogFormat { get; init; }
    public string? LogFile { get; init; }
    public required Endpoint? Metrics { get; init; }

    /// <summary>Where to listen: the place that was named, with the host that was left out; or <c>--iface</c> and
    /// <c>--port</c>.</summary>
    public Endpoint ListenAt(Endpoint? named) => named?.WithDefaultHost(Iface) ?? Endpoint.Tcp(Iface, Port);
}

/// <summary>What <c>serve</c> and <c>slow-serve</c> let the user choose: see <see cref="PoemSyntax.Poems"/>.</summary>
internal sealed class ServeOptions
{
    /// <summary>At least one, unless there is a list; no two on the same address unless its port is 0.</summary>
    public required ServedPoem[] Poems { get; init; }

    /// <summary>The file of <c>--file</c> that lists the poems; null for none.</summary>
    public string? ListFile { get; init; }
    public required PoemFormat Format { get; init; }
}

/// <summary>What <c>transform</c> lets the user choose: see <see cref="TransformSyntax.Transform"/>.</summary>
internal sealed class TransformOptions
{
    /// <summary>Where netstrings are answered.</summary>
    public required Endpoint Listen { get; init; }

    /// <summary>Where bare texts are answered, or null for nowhere.</summary>
    public required Endpoint? TextListen { get; init; }
    public required int MaxLength { get; init; }
    public required TimeSpan Timeout { get; init; }

    /// <summary>Null for the default, which depends on the machine.</summary>
    public required long? MaxMemory { get; init; }

    /// <summary>The server that does the work, or null for this one.</summary>
    public required Endpoint? Upstream { get; init; }
}

/// <summary>What <c>get</c> lets the user choose: see <see cref="GetSyntax.Get"/>.</summary>
internal sealed class GetOptions
{
    /// <summary>The transformation every poem goes through, or null. Set exactly if <see cref="Via"/> is.</summary>
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

    /// <summary>A file or a directory, or null for standard output. See <see cref="PoemFile"/>. </summary>
    public required string? Output { get; init; }
    public required bool Sync { get; init; }
    public required bool Stream { get; init; }

    /// <summary>Files are written as they come all the same.</summary>
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
