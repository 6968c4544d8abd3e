using System;
using System.Diagnostics.CodeAnalysis;
using ConsoleAppFramework;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The command <c>get</c>.</summary>
internal sealed class GetSyntax(Binding binding, ICommands commands)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry get 10001 poems.example:10002 [::1]:10003", "three poems"),
        ("poetry get --transform cummingsify --via 11000 10001", "transformed on the way"),
        ("poetry get --output poems/ 10001 10002", "into files of a directory"),
        ("poetry get --race mirror.example:10001 10001", "from the fastest server"),
    ];

    /// <summary>As curl has it: a file of this name is <c>./-</c>.</summary>
    private const string StandardOutput = PoemReader.StandardInput;

    /// <summary>Download poems from all addresses at once; print each as soon as it is whole.</summary>
    /// <param name="transform">NAME: Have every poem transformed; needs --via</param>
    /// <param name="via">ADDRESS: The server that transforms</param>
    /// <param name="timeout">SECONDS: A server that sends nothing for so long has failed, 0 for never</param>
    /// <param name="retry">N: Try again so often after connect errors and resets</param>
    /// <param name="output">-o, FILE|DIRECTORY: Write to a file, or to HOST_PORT.txt in a directory; - is standard output</param>
    /// <param name="wait">Print all poems at the end, in the order of the addresses</param>
    /// <param name="race">Write the first whole poem, cancel the other downloads</param>
    /// <param name="allOrNothing">Write all poems at the end, or none if one fails</param>
    /// <param name="netstring">The poems travel as netstrings</param>
    /// <param name="progress">auto|lines|bars|none: How progress is shown</param>
    /// <param name="quiet">-q, Print only failures</param>
    /// <param name="raw">Send control characters through to a terminal</param>
    /// <param name="address">ADDRESS: PORT, HOST:PORT, [IPV6]:PORT or unix:PATH</param>
    public void Get(
        string? transform = null,
        string? via = null,
        string timeout = "60",
        string retry = "0",
        string? output = null,
        bool wait = false,
        bool race = false,
        bool allOrNothing = false,
        bool netstring = false,
        string progress = "auto",
        bool quiet = false,
        bool raw = false,
        [Argument] params string[] address)
    {
        string? path = binding.Read<string>(output, TryParsePath);
        var options = new GetOptions
        {
            Transform = binding.Read<string>(transform, TryParseTransformation),
            Via = binding.Read<Endpoint>(via, Endpoint.TryParse),
            Timeout = binding.Read<TimeSpan>(timeout, Quantity.TryParseLimit),
            Retry = (int)binding.Read<long>(retry, ServerSyntax.TryParseCount),
            Output = path == StandardOutput ? null : path,
            Wait = wait,
            Race = race,
            AllOrNothing = allOrNothing,
            Format = netstring ? PoemFormat.Netstring : PoemFormat.Plain,
            Progress = (ProgressStyle)binding.ReadWord(progress),
            Quiet = quiet,
            Raw = raw,
        };
        Endpoint[] from = binding.ReadAll<Endpoint>(address, Endpoint.TryParse);
        binding.Refuse(from.Length == 0 ? "no address given (try 'poetry get --help')"
            : transform is not null && via is null ? "--transform needs --via ADDRESS, a transform server"
            : transform is null && via is not null ? "--via needs --transform NAME, a transformation"
            : raw && options.Output is not null ? "--raw has no effect: what goes to a file is never escaped"
            : race && allOrNothing ? "--race wants one poem, --all-or-nothing all of them: use one of the two"
            : race && wait ? "--wait has no effect: with --race only one poem is printed"
            : null);
        binding.Run(() => commands.Get(options, from));
    }

    /// <summary>The wire splits at the first point: a name has none.</summary>
    internal static bool TryParseTransformation(string text, [NotNullWhen(true)] out string? name, [NotNullWhen(false)] out string? problem)
    {
        name = text;
        problem = text.Length == 0 || text.Contains('.') ? $"'{text}' cannot be the name of a transformation" : null;
        return problem is null;
    }

    private static bool TryParsePath(string text, [NotNullWhen(true)] out string? path, [NotNullWhen(false)] out string? problem)
    {
        path = text;
        problem = text.Length == 0 ? "the name of a file is empty" : null;
        return problem is null;
    }
}
