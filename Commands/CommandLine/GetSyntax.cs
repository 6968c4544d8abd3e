using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using ConsoleAppFramework;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The command <c>get</c>.</summary>
internal sealed class GetSyntax(Binding binding)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry get 10001 poems.example:10002 [::1]:10003", "three poems"),
        ("poetry get --transform cummingsify --via 11000 10001", "transformed on the way"),
        ("poetry get --output poems/ 10001 10002", "into files of a directory"),
        ("poetry get --race mirror.example:10001 10001", "from the fastest server"),
        ("poetry get --retry 2 10001,mirror.example:10001", "from the first server that delivers it"),
        ("poetry get --stream 10001 | head -n 1", "as it comes, in constant memory"),
    ];

    /// <summary>The name of standard output, as for curl; a file of this name is <c>./-</c>.</summary>
    private const string StandardOutput = PoemReader.StandardInput;

    /// <summary>Download poems from all addresses at once; print each as soon as it is whole.</summary>
    /// <param name="transform">NAME: Have every poem transformed; needs --via</param>
    /// <param name="via">ADDRESS: The server that transforms</param>
    /// <param name="strictTransform">A poem whose transformation fails has failed, and is not printed</param>
    /// <param name="timeout">TIME: Fail if a server sends nothing for this time, 0 for never</param>
    /// <param name="connectTimeout">TIME: Maximum time to look up a name and connect, 0 for no limit</param>
    /// <param name="maxTime">TIME: Maximum time for a whole download, 0 for no limit</param>
    /// <param name="maxBytes">BYTES: Fail if a poem is longer, 0 for no limit</param>
    /// <param name="expectBytes">N: Fail unless the poem has exactly so many bytes; takes one ADDRESS</param>
    /// <param name="sha256">HEX: Fail unless the poem has this SHA-256; takes one ADDRESS</param>
    /// <param name="allowEmpty">Accept 0 bytes as an empty poem</param>
    /// <param name="retry">N: Number of retries after failed look-ups and connections, resets, timeouts, cut frames and empty replies</param>
    /// <param name="parallelMax">N: Maximum simultaneous downloads, 0 for all at once</param>
    /// <param name="output">-o, FILE|DIRECTORY: Write to a file, or to HOST_PORT.txt in a directory; - is standard output</param>
    /// <param name="sync">Flush files to the disk before a poem counts as got</param>
    /// <param name="stream">Write bytes as they come, in constant memory; takes one ADDRESS</param>
    /// <param name="wait">Print all poems at the end, in the order of the addresses</param>
    /// <param name="race">Write the first whole poem, cancel the other downloads</param>
    /// <param name="allOrNothing">Write all poems at the end, or none if one fails</param>
    /// <param name="netstring">The poems travel as netstrings</param>
    /// <param name="progress">auto|lines|bars|none|json: How progress is shown</param>
    /// <param name="color">auto|always|never: Colour the progress bars</param>
    /// <param name="quiet">-q, Print only failures</param>
    /// <param name="verbose">-v, Print connections and retries too</param>
    /// <param name="veryVerbose">-vv, Print the records of the engine too</param>
    /// <param name="raw">Send control characters through to a terminal</param>
    /// <param name="address">ADDRESS: PORT, HOST:PORT, [IPV6]:PORT or unix:PATH; mirrors are separated by commas</param>
    public void Get(
        string? transform = null,
        string? via = null,
        bool strictTransform = false,
        string timeout = "60",
        string connectTimeout = "10",
        string maxTime = "0",
        string maxBytes = "0",
        string? expectBytes = null,
        string? sha256 = null,
        bool allowEmpty = false,
        string retry = "0",
        string parallelMax = "0",
        string? output = null,
        bool sync = false,
        bool stream = false,
        bool wait = false,
        bool race = false,
        bool allOrNothing = false,
        bool netstring = false,
        string progress = "auto",
        string color = "auto",
        bool quiet = false,
        bool verbose = false,
        bool veryVerbose = false,
        bool raw = false,
        [Argument] params string[] address)
    {
        string? path = binding.Read<string>(output, TryParsePath);
        var options = new GetOptions
        {
            Transform = binding.Read<string>(transform, TryParseTransformation),
            Via = binding.Read<Endpoint>(via, Endpoint.TryParse),
            StrictTransform = strictTransform,
            Request = new PoemRequest(
                Timeout: binding.Read<TimeSpan>(timeout, Quantity.TryParseLimit),
                ConnectTimeout: binding.Read<TimeSpan>(connectTimeout, Quantity.TryParseLimit),
                Format: netstring ? PoemFormat.Netstring : PoemFormat.Plain)
            {
                AllowEmpty = allowEmpty,
            },
            MaxTime = binding.Read<TimeSpan>(maxTime, Quantity.TryParseLimit),
            MaxBytes = binding.Read<long>(maxBytes, Quantity.TryParseSize),
            ExpectBytes = expectBytes is null ? null : binding.Read<long>(expectBytes, Quantity.TryParseSize),
            Sha256 = binding.Read<byte[]>(sha256, TryParseSha256),
            Retry = (int)binding.Read<long>(retry, ServerSyntax.TryParseCount),
            ParallelMax = (int)binding.Read<long>(parallelMax, ServerSyntax.TryParseCount),
            Output = path == StandardOutput ? null : path,
            Sync = sync,
            Stream = stream,
            Wait = wait,
            Race = race,
            AllOrNothing = allOrNothing,
            Progress = (ProgressStyle)binding.ReadWord(progress),
            Colour = (ColourMode)binding.ReadWord(color),
            Quiet = quiet,
            Verbosity = veryVerbose ? 2 : verbose ? 1 : 0,
            Raw = raw,
        };
        PoemMirrors[] from = binding.ReadAll<PoemMirrors>(address, PoemMirrors.TryParse);
        string? ofOnePoem = expectBytes is not null ? "--expect-bytes" : sha256 is not null ? "--sha256" : stream ? "--stream" : null;
        binding.Refuse(from.Length == 0 ? "no address given (try 'poetry get --help')" : null);
        RefuseUnpaired(binding, transform, via);
        binding.Refuse(
            raw && options.Output is not null ? "--raw has no effect: what goes to a file is never escaped"
            : race && allOrNothing ? "--race wants one poem, --all-or-nothing all of them: use one of the two"
            : race && wait ? "--wait has no effect: with --race only one poem is printed"
            : strictTransform && transform is null ? "--strict-transform has no effect without --transform NAME"
            : from.Length > 1 && ofOnePoem is not null ? $"{ofOnePoem} takes one ADDRESS, not {from.Length}"
            : stream && transform is not null ? "--stream cannot be used with --transform: a poem is transformed as a whole"
            : stream && wait ? "--stream writes bytes as they come: it cannot be used with --wait"
            : stream && allOrNothing ? "--stream writes bytes as they come: it cannot be used with --all-or-nothing"
            : stream && race ? "--race has no effect: --stream takes one ADDRESS"
            : options.ExpectBytes > options.MaxBytes && options.MaxBytes > 0
                ? $"--max-bytes {options.MaxBytes} refuses the {options.ExpectBytes} bytes of --expect-bytes"
            : options.ExpectBytes == 0 && !allowEmpty && !netstring
                ? "--expect-bytes 0 needs --allow-empty or --netstring: 0 bytes are an empty reply"
            : verbose && veryVerbose ? "--verbose has no effect beside --very-verbose: use one of the two"
            : allowEmpty && netstring ? "--allow-empty has no effect: 0 bytes are never a netstring"
            : sync && options.Output is null ? "--sync has no effect without --output FILE|DIRECTORY"
            : quiet && options.Verbosity > 0 ? "--quiet and --verbose contradict each other: use one of the two"
            : quiet && options.Progress is not (ProgressStyle.Auto or ProgressStyle.None)
                ? $"--quiet and --progress {options.Progress.ToString().ToLowerInvariant()} contradict each other: use one of the two"
            : null);
        binding.Run(new GetCommand(options, from).Run);
    }

    /// <summary>Refuses a transformation without a server, and a server without a transformation.</summary>
    public static void RefuseUnpaired(Binding binding, string? transform, string? via) => binding.Refuse(
        transform is not null && via is null ? "--transform needs --via ADDRESS, a transform server"
        : transform is null && via is not null ? "--via needs --transform NAME, a transformation"
        : null);

    private static bool TryParseSha256(string text, [NotNullWhen(true)] out byte[]? hash, [NotNullWhen(false)] out string? problem)
    {
        hash = new byte[Sha256.Length];
        bool ok = text.Length == Sha256.Length * 2
            && Convert.FromHexString(text, hash, out _, out _) == OperationStatus.Done;
        problem = ok ? null : $"'{text}' is not a SHA-256 of 64 hexadecimal digits";
        return ok;
    }

    /// <summary>Reads the name of a transformation. The protocol splits at the first point, so a name has none.</summary>
    internal static bool TryParseTransformation(string text, [NotNullWhen(true)] out string? name, [NotNullWhen(false)] out string? problem)
    {
        name = text;
        problem = text.Length == 0 || text.Contains('.') ? $"'{text}' cannot be the name of a transformation" : null;
        return problem is null;
    }

    public static bool TryParsePath(string text, [NotNullWhen(true)] out string? path, [NotNullWhen(false)] out string? problem)
    {
        path = text;
        problem = text.Length == 0 ? "the name of a file is empty" : null;
        return problem is null;
    }
}
