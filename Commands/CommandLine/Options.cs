using System;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>How a log record is written.</summary>
internal enum LogFormat
{
    /// <summary>A line that people read.</summary>
    Text,

    /// <summary>An object of JSON on one line.</summary>
    Json,
}

/// <summary>How <c>get</c> shows its progress.</summary>
internal enum ProgressStyle
{
    /// <summary>Bars on a terminal, lines elsewhere.</summary>
    Auto,

    /// <summary>A line for every arrival of bytes.</summary>
    Lines,

    /// <summary>A bar a download, redrawn in place.</summary>
    Bars,

    /// <summary>None; the summary and failures remain.</summary>
    None,

    /// <summary>A line of JSON for every event.</summary>
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

/// <summary>What all servers let the user choose. <see cref="Quantity.Never"/> stands for no limit.</summary>
internal sealed class ServerOptions
{
    /// <summary>The port of listeners that name none: 0 (any free one) to 65535.</summary>
    public required int Port { get; init; }

    /// <summary>The host or numeric address to listen on, without brackets.</summary>
    public required string Iface { get; init; }

    /// <summary>How many reactors there are, each on a thread of its own; 1 or more.</summary>
    public required int Workers { get; init; }

    /// <summary>The most connections at once; 0 means no limit, null what the descriptor limit allows.</summary>
    public required int? MaxConnections { get; init; }

    /// <summary>The most connections of one client address; 0 means no limit.</summary>
    public required int MaxPerAddress { get; init; }

    /// <summary>True if every connection begins with a PROXY header, which names the client.</summary>
    public required bool ProxyProtocol { get; init; }

    /// <summary>A client that takes nothing for so long is reset.</summary>
    public required TimeSpan SendTimeout { get; init; }

    /// <summary>How long what is in flight may go on after SIGTERM.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary>The least important records that are still written.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary>How they are written.</summary>
    public required LogFormat LogFormat { get; init; }

    /// <summary>The file that they are written to, or null for standard error.</summary>
    public string? LogFile { get; init; }

    /// <summary>Where counters are served over HTTP, or null for nowhere.</summary>
    public required Endpoint? Metrics { get; init; }

    /// <summary>Where to listen: the place that was named, with the host that was left out; or <c>--iface</c> and
    /// <c>--port</c>.</summary>
    public Endpoint ListenAt(Endpoint? named) => named?.WithDefaultHost(Iface) ?? Endpoint.Tcp(Iface, Port);
}

/// <summary>What <c>serve</c> and <c>slow-serve</c> let the user choose.</summary>
internal sealed class ServeOptions
{
    /// <summary>At least one, unless there is a list; no two on the same address unless its port is 0.</summary>
    public required ServedPoem[] Poems { get; init; }

    /// <summary>The file of <c>--file</c> that lists the poems; null for none.</summary>
    public string? ListFile { get; init; }

    /// <summary>How every poem travels.</summary>
    public required PoemFormat Format { get; init; }
}

/// <summary>What <c>transform</c> lets the user choose.</summary>
internal sealed class TransformOptions
{
    /// <summary>Where netstrings are answered.</summary>
    public required Endpoint Listen { get; init; }

    /// <summary>Where bare texts are answered, or null for nowhere.</summary>
    public required Endpoint? TextListen { get; init; }

    /// <summary>The longest request in bytes.</summary>
    public required int MaxLength { get; init; }

    /// <summary>From accept to the answer; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The most memory for all requests and answers, in bytes; null for the default.</summary>
    public required long? MaxMemory { get; init; }

    /// <summary>The server that does the work, or null for this one.</summary>
    public required Endpoint? Upstream { get; init; }
}

/// <summary>What <c>get</c> lets the user choose.</summary>
internal sealed class GetOptions
{
    /// <summary>The transformation every poem goes through, or null. Set exactly if <see cref="Via"/> is.</summary>
    public required string? Transform { get; init; }

    /// <summary>The transform server, or null.</summary>
    public required Endpoint? Via { get; init; }

    /// <summary>A server that sends nothing for so long has failed; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>How often a download is tried again.</summary>
    public required int Retry { get; init; }

    /// <summary>A file or a directory, or null for standard output. See <see cref="PoemFile"/>. </summary>
    public required string? Output { get; init; }

    /// <summary>Print all poems at the end, in the order of the addresses? Files are written as they come all the same.</summary>
    public required bool Wait { get; init; }

    /// <summary>Is the first poem that is whole the only one wanted?</summary>
    public required bool Race { get; init; }

    /// <summary>Write nothing unless all poems come, and everything at the end?</summary>
    public required bool AllOrNothing { get; init; }

    /// <summary>How the poems travel.</summary>
    public required PoemFormat Format { get; init; }

    /// <summary>How progress is shown.</summary>
    public required ProgressStyle Progress { get; init; }

    /// <summary>Say nothing but failures?</summary>
    public required bool Quiet { get; init; }

    /// <summary>Send control characters through to a terminal?</summary>
    public required bool Raw { get; init; }

    /// <summary>True if a poem whose transformation fails has failed.</summary>
    public bool StrictTransform { get; init; }

    /// <summary>Limit for a look-up and the connect after it; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan ConnectTimeout { get; init; }

    /// <summary>Limit for a whole download; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan MaxTime { get; init; }

    /// <summary>The longest poem; 0 for no limit.</summary>
    public long MaxBytes { get; init; }

    /// <summary>The length of the poem, or null if any will do.</summary>
    public long? ExpectBytes { get; init; }

    /// <summary>The hash of the poem, or null if any will do.</summary>
    public byte[]? Sha256 { get; init; }

    /// <summary>True if 0 bytes are a poem.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>The most downloads at once; 0 for no limit.</summary>
    public int ParallelMax { get; init; }

    /// <summary>True to flush files to the disk.</summary>
    public bool Sync { get; init; }

    /// <summary>True to write bytes as they come.</summary>
    public bool Stream { get; init; }

    public ColourMode Colour { get; init; }

    /// <summary>0 for failures and progress, 1 for connections and retries too, 2 for the engine's records too.</summary>
    public int Verbosity { get; init; }
}
