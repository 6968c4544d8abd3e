using System;
using System.Diagnostics.CodeAnalysis;
using ConsoleAppFramework;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The options that <c>serve</c> and <c>slow-serve</c> share.</summary>
internal sealed class PoemSyntax(Binding binding, ServerSyntax servers)
{
    /// <summary>What was chosen.</summary>
    public ServeOptions Options { get; private set; } = null!;

    /// <summary>Options of servers whose poems are files.</summary>
    /// <param name="netstring">Send the poem as one netstring, so that a cut is noticed</param>
    /// <param name="file">PATH: Read [LISTEN=]FILE lines from there, and again on SIGHUP</param>
    /// <param name="poem">FILE: A file, or ADDRESS=FILE; - is standard input</param>
    public void Poems(bool netstring = false, string? file = null, [Argument] params string[] poem)
    {
        ListenArgument[] arguments = binding.ReadAll<ListenArgument>(poem, ListenArgument.TryParse);
        string? list = binding.Read<string>(file, GetSyntax.TryParsePath);
        binding.Refuse(list is not null && poem.Length > 0 ? "--file and poems as arguments exclude each other" : null);
        Options = new ServeOptions
        {
            Poems = list is null ? Place(arguments) : [],
            Format = netstring ? PoemFormat.Netstring : PoemFormat.Plain,
            ListFile = list,
        };
        servers.RefuseUnused(ListenArgument.Places(arguments));
    }

    /// <summary>Gives every poem its place, and refuses what could not all be listened on.</summary>
    private ServedPoem[] Place(ListenArgument[] arguments)
    {
        var placed = new ServedPoem[arguments.Length];
        binding.Refuse(arguments.Length == 0 ? $"no poem given (try '{binding.Words.Command.FullName} --help')" : null);
        bool readsStandardInput = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            var poem = new ServedPoem(servers.Options.ListenAt(arguments[i].Listen), arguments[i].What);
            bool isStandardInput = poem.File == PoemReader.StandardInput;
            binding.Refuse(isStandardInput && readsStandardInput ? "standard input holds only one poem" : null);
            readsStandardInput |= isStandardInput;
            bool isTaken = poem.Listen.IsFixed
                && Array.Exists(placed[..i], other => other.Listen.Equals(poem.Listen));
            binding.Refuse(isTaken ? $"two poems on {poem.Listen}: say PORT=FILE for each" : null);
            placed[i] = poem;
        }

        return placed;
    }
}

/// <summary>The command <c>serve</c>.</summary>
internal sealed class ServeSyntax(Binding binding, ServerSyntax servers, PoemSyntax poems, ICommands commands)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry serve --port 10001 ecstasy.txt", "one poem on 127.0.0.1"),
        ("poetry serve 10001=ecstasy.txt [::1]:10002=fascination.txt", "two poems"),
        ("poetry serve unix:poem.sock=science.txt", "on a Unix socket"),
        ("poetry serve --file poems.conf", "the poems of a list, which SIGHUP reads again"),
        ("fortune | poetry serve --iface 0.0.0.0 --port 17 -", "standard input, to the world"),
    ];

    /// <summary>Send a poem to each client, then close the connection.</summary>
    public void Serve() => binding.Run(() => commands.Serve(servers.Options, poems.Options));
}

/// <summary>The command <c>slow-serve</c>.</summary>
internal sealed class SlowServeSyntax(Binding binding, ServerSyntax servers, PoemSyntax poems, ICommands commands)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry slow-serve --port 10001 ecstasy.txt", "ten bytes every 0.7 seconds"),
        ("poetry slow-serve --port 10002 --num-bytes 30 --delay 100ms fascination.txt", "not quite so slow"),
    ];

    /// <summary>Send a poem to each client, a few bytes at a time.</summary>
    /// <param name="numBytes">N: Bytes in a piece</param>
    /// <param name="delay">SECONDS: Time from piece to piece</param>
    public void SlowServe(string numBytes = "10", string delay = "0.7")
    {
        var pace = new Pace(binding.Read<long>(numBytes, TryParsePiece), binding.Read<TimeSpan>(delay, Quantity.TryParseDuration));
        binding.Run(() => commands.SlowServe(servers.Options, poems.Options, pace));
    }

    /// <summary>Reads the length of a piece: pieces of 0 bytes would never come to an end.</summary>
    private static bool TryParsePiece(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        if (Quantity.TryParseSize(text, out bytes, out problem) && bytes == 0)
        {
            problem = $"'{text}' bytes at a time would never come to an end";
        }

        return problem is null;
    }
}
