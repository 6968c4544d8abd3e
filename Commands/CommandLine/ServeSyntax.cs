using ConsoleAppFramework;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The options that <c>serve</c> and <c>slow-serve</c> share.</summary>
internal sealed class PoemSyntax(Binding binding, ServerSyntax servers)
{
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
            Poems = list is null ? PoemsOf(arguments) : [],
            Format = netstring ? PoemFormat.Netstring : PoemFormat.Plain,
            ListFile = list,
        };
        servers.RefuseUnused(ListenArgument.ListenAddresses(arguments));
    }

    private ServedPoem[] PoemsOf(ListenArgument[] arguments)
    {
        binding.Refuse(arguments.Length == 0 ? $"no poem given (try '{binding.Command.FullName} --help')" : null);
        ListenArgument[] fromInput = Array.FindAll(arguments, argument => argument.What == PoemReader.StandardInput);
        binding.Refuse(fromInput.Length > 1 ? "standard input holds only one poem" : null);
        ServedPoem[] poems = Array.ConvertAll(
            arguments, argument => new ServedPoem(servers.Options.ListenAt(argument.Listen), argument.What));
        servers.RefuseTwice(Array.ConvertAll(poems, poem => poem.Listen), "poems", "PORT=FILE");
        return poems;
    }
}

/// <summary>The command <c>serve</c>.</summary>
internal sealed class ServeSyntax(Binding binding, ServerSyntax servers, PoemSyntax poems)
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
    public void Serve() => binding.Run(new ServeCommand(servers.Options, poems.Options).Run);
}

/// <summary>The command <c>slow-serve</c>.</summary>
internal sealed class SlowServeSyntax(Binding binding, ServerSyntax servers, PoemSyntax poems)
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
        var pace = new Pace(
            binding.Read<long>(numBytes, Quantity.TryParseSize, bytes => bytes > 0 ? null : "bytes at a time would never come to an end"),
            binding.Read<TimeSpan>(delay, Quantity.TryParseDuration));
        binding.Run(new ServeCommand(servers.Options, poems.Options, pace).Run);
    }
}
