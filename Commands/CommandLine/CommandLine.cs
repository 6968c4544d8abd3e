using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The commands and options of the program, declared with System.CommandLine, which does the parsing. Nothing is read,
/// written or run here: <see cref="Parse"/> says what a command line means.
/// </summary>
/// <remarks>
/// The library is used as a parser only. Its way of invoking brings a help page, a report of errors and an exception
/// handler which write several lines through Console, and which the trimmer keeps as soon as anything is invoked.
/// </remarks>
internal static partial class CommandLine
{
    private const string Name = "poetry";

    /// <summary>As curl has it: a file of this name is <c>./-</c>.</summary>
    private const string StandardOutput = "-";

    /// <summary>The version, from the project file.</summary>
    private static string Version => typeof(CommandLine).Assembly.GetName().Version?.ToString(3) ?? "unknown";

    /// <summary>Reads a command line.</summary>
    /// <param name="args">As the operating system gave them, without the name of the program.</param>
    /// <param name="commands">What there is to run.</param>
    public static Invocation Parse(IReadOnlyList<string> args, ICommands commands)
    {
        var root = new CommandSpec(Name, "Serve poems over TCP, slowly if asked; transform, cache and fetch them.")
        {
            Examples =
            [
                ("poetry serve --port 10001 ecstasy.txt", "serve a poem"),
                ("poetry get 10001", "and read it"),
            ],
        };
        Option<bool> help = root.Flag("--help", "Show this help", "-h");
        Option<bool> version = root.Flag("--version", "Show the version");
        help.Recursive = version.Recursive = true;
        root.Add(Serve(commands));
        root.Add(SlowServe(commands));
        root.Add(Transform(commands));
        root.Add(Proxy(commands));
        root.Add(Get(commands));
        root.Add(Completion(root));
        root.Add(Help(root));

        // A poem may well be called @poem.txt: no response files. No bundles of letters either, for there are few.
        var configuration = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult result = CommandLineParser.Parse(root, args, configuration);
        var command = (CommandSpec)result.CommandResult.Command;
        if (result.GetValue(help))
        {
            return Invocation.Say(HelpText.Of(command, root));
        }

        if (result.GetValue(version))
        {
            return Invocation.Say($"{Name} {Version}\n");
        }

        if (UsageProblem.First(args, result, root) is { } problem)
        {
            return Invocation.Refuse(command.FullName, problem);
        }

        return command.Bind is null
            ? Invocation.Refuse(command.FullName, $"no command is given: try {HelpText.CommandNames(root)}")
            : command.Bind(result);
    }

    private static CommandSpec Serve(ICommands commands)
    {
        var command = new CommandSpec("serve", "Send a poem to everyone who connects, then hang up.")
        {
            Examples =
            [
                ("poetry serve --port 10001 ecstasy.txt", "one poem on 127.0.0.1"),
                ("poetry serve 10001=ecstasy.txt [::1]:10002=fascination.txt", "two poems"),
                ("poetry serve unix:poem.sock=science.txt", "on a Unix socket"),
                ("fortune | poetry serve --iface 0.0.0.0 --port 17 -", "standard input, to the world"),
            ],
        };
        Argument<ListenArgument[]> poems = PoemsOf(command);
        var server = new ServerOptionSet(command);
        Option<bool> netstring = FrameOf(command);
        command.Bind = result =>
        {
            ServerOptions options = server.Read(result);
            PoemFormat format = result.GetValue(netstring) ? PoemFormat.Netstring : PoemFormat.Plain;
            ListenArgument[] arguments = result.GetValue(poems) ?? [];
            return TryPlacePoems(command, arguments, options, out ServedPoem[] placed, out string? problem)
                && (problem = server.InVain(result, ListenArgument.Places(arguments))) is null
                ? Invocation.Of(() => commands.Serve(options, placed, format))
                : Invocation.Refuse(command.FullName, problem);
        };
        return command;
    }

    private static CommandSpec Proxy(ICommands commands)
    {
        var command = new CommandSpec("proxy", "Fetch a poem once for all who want it, and keep it for those who come later.")
        {
            Examples =
            [
                ("poetry proxy --port 10000 10001", "in front of a server on this machine"),
                ("poetry proxy 10000=poems.example:10001 10010=poems.example:10002", "two poems"),
                ("poetry proxy --ttl 10m --stale-if-error 1d --port 10000 10001", "and when the server is down"),
            ],
        };
        Argument<ListenArgument[]> upstreams = command.Many<ListenArgument>(
            "ADDRESS", "The poetry server, or LISTEN=ADDRESS for each of several", ListenArgument.TryParse);
        var server = new ServerOptionSet(command);
        var proxy = new ProxyOptionSet(command);
        command.Bind = result =>
        {
            ServerOptions options = server.Read(result);
            ProxySettings settings = proxy.Read(result);
            Endpoint fallback = proxy.ListenAt(result, options);
            ListenArgument[] arguments = result.GetValue(upstreams) ?? [];
            return ProxiedPoem.TryPlace(arguments, fallback, options.Iface, out ProxiedPoem[] placed, out string? problem)
                && (problem = proxy.InVain(result, server, ListenArgument.Places(arguments))) is null
                ? Invocation.Of(() => commands.Proxy(options, settings, placed))
                : Invocation.Refuse(command.FullName, problem);
        };
        return command;
    }

    private static CommandSpec Get(ICommands commands)
    {
        string[] styles = ["auto", "lines", "bars", "none"];
        var command = new CommandSpec("get", "Download poems from all addresses at once; print each as soon as it is whole.")
        {
            Examples =
            [
                ("poetry get 10001 poems.example:10002 [::1]:10003", "three poems"),
                ("poetry get --transform cummingsify --via 11000 10001", "transformed on the way"),
                ("poetry get --output poems/ 10001 10002", "into files of a directory"),
                ("poetry get --race mirror.example:10001 10001", "from who is fastest"),
            ],
        };
        Argument<Endpoint[]> addresses = command.Many<Endpoint>(
            "ADDRESS", "PORT, HOST:PORT, [IPV6]:PORT or unix:PATH", Endpoint.TryParse);
        Option<string> transform = command.Value<string>(
            "--transform", "NAME", "Have every poem transformed; needs --via", null, TryParseTransformation);
        Option<Endpoint> via = command.Value<Endpoint>("--via", "ADDRESS", "The server that transforms", null, Endpoint.TryParse);
        Option<TimeSpan> timeout = command.Value<TimeSpan>(
            "--timeout", "SECONDS", "A server that sends nothing for so long has failed, 0 for never", "60", Quantity.TryParseLimit);
        Option<long> retry = command.Value<long>(
            "--retry", "N", "Try again so often after connect errors and resets", "0", ServerOptionSet.TryParseCount);
        Option<string> output = command.Value<string>(
            "--output",
            "FILE|DIRECTORY",
            "Write to a file, or to HOST_PORT.txt in a directory; - is standard output",
            null,
            TryParsePath,
            takesFile: true,
            "-o");
        Option<bool> wait = command.Flag("--wait", "Print all poems at the end, in the order of the addresses");
        Option<bool> race = command.Flag("--race", "Write the first whole poem, cancel the other downloads");
        Option<bool> allOrNothing = command.Flag("--all-or-nothing", "Write all poems at the end, or none if one fails");
        Option<bool> netstring = command.Flag("--netstring", "The poems travel as netstrings");
        Option<string> progress = command.Choice("--progress", "How progress is shown", "auto", styles);
        Option<bool> quiet = command.Flag("--quiet", "Say nothing but failures", "-q");
        Option<bool> raw = command.Flag("--raw", "Send control characters through to a terminal");
        command.Bind = result =>
        {
            var options = new GetOptions
            {
                Transform = result.GetValue(transform),
                Via = result.GetValue(via),
                Timeout = result.GetValue(timeout),
                Retry = (int)result.GetValue(retry),
                Output = result.GetValue(output) is StandardOutput ? null : result.GetValue(output),
                Wait = result.GetValue(wait),
                Race = result.GetValue(race),
                AllOrNothing = result.GetValue(allOrNothing),
                Format = result.GetValue(netstring) ? PoemFormat.Netstring : PoemFormat.Plain,
                Progress = (ProgressStyle)Array.IndexOf(styles, result.GetValue(progress)),
                Quiet = result.GetValue(quiet),
                Raw = result.GetValue(raw),
            };
            Endpoint[] from = result.GetValue(addresses) ?? [];
            string? problem = from.Length == 0 ? "no address given (try 'poetry get --help')"
                : options.Transform is not null && options.Via is null ? "--transform needs --via ADDRESS, a transform server"
                : options.Transform is null && options.Via is not null ? "--via needs --transform NAME, a transformation"
                : options.Raw && options.Output is not null ? "--raw is in vain: what goes to a file is never escaped"
                : options.Race && options.AllOrNothing ? "--race wants one poem, --all-or-nothing all of them: use one of the two"
                : options.Race && options.Wait ? "--wait is in vain: with --race only one poem is printed"
                : null;
            return problem is null
                ? Invocation.Of(() => commands.Get(options, from))
                : Invocation.Refuse(command.FullName, problem);
        };
        return command;
    }

    private static CommandSpec Completion(CommandSpec root)
    {
        var command = new CommandSpec("completion", "Print a script that makes a shell complete the words of poetry.")
        {
            Examples =
            [
                ("source <(poetry completion bash)", "in ~/.bashrc"),
                ("poetry completion zsh > ~/.zfunc/_poetry", "a directory in $fpath"),
                ("poetry completion fish > ~/.config/fish/completions/poetry.fish", "for fish"),
                ("poetry completion pwsh | Out-String | Invoke-Expression", "in $PROFILE"),
            ],
        };
        Argument<string[]> shells = command.Many<string>(
            "SHELL", string.Join(", ", CompletionScript.Shells), TryParseShell, takesFile: false, CompletionScript.Shells);
        command.Bind = result => result.GetValue(shells) is [string shell]
            ? Invocation.Say(CompletionScript.For(shell, root))
            : Invocation.Refuse(command.FullName, $"name one shell: {string.Join(", ", CompletionScript.Shells)}");
        return command;
    }

    private static CommandSpec Help(CommandSpec root)
    {
        var command = new CommandSpec("help", "Show the help of a command.")
        {
            Examples = [("poetry help", "what there is"), ("poetry help serve", "as poetry serve --help")],
        };
        Argument<CommandSpec[]> about = command.Many<CommandSpec>(
            "COMMAND", "The command", TryParseCommand, takesFile: false, HelpText.NamesOf(root));
        command.Bind = result => result.GetValue(about) switch
        {
            [] or null => Invocation.Say(HelpText.Of(root, root)),
            [CommandSpec one] => Invocation.Say(HelpText.Of(one, root)),
            _ => Invocation.Refuse(command.FullName, "name one command"),
        };
        return command;

        bool TryParseCommand(string text, [NotNullWhen(true)] out CommandSpec? named, [NotNullWhen(false)] out string? problem)
        {
            named = null;
            foreach (Command known in root.Subcommands)
            {
                named = known.Name == text ? (CommandSpec)known : named;
            }

            problem = named is null ? UsageProblem.UnknownCommand(text, root) : null;
            return named is not null;
        }
    }

    /// <summary>Declares the poems of a server that has them as files.</summary>
    private static Argument<ListenArgument[]> PoemsOf(CommandSpec command) => command.Many<ListenArgument>(
        "FILE", "A file, or ADDRESS=FILE; - is standard input", ListenArgument.TryParse, takesFile: true);

    /// <summary>Declares whether those poems are framed.</summary>
    private static Option<bool> FrameOf(CommandSpec command) =>
        command.Flag("--netstring", "Send the poem as one netstring, so that a cut is noticed");

    /// <summary>Gives every poem its place, and refuses what could not all be listened on.</summary>
    private static bool TryPlacePoems(
        CommandSpec command,
        ListenArgument[] arguments,
        ServerOptions options,
        out ServedPoem[] placed,
        [NotNullWhen(false)] out string? problem)
    {
        placed = new ServedPoem[arguments.Length];
        problem = arguments.Length == 0 ? $"no poem given (try '{command.FullName} --help')" : null;
        bool readsStandardInput = false;
        for (int i = 0; i < arguments.Length && problem is null; i++)
        {
            ListenArgument argument = arguments[i];
            Endpoint listen = options.ListenAt(argument.Listen);
            placed[i] = new ServedPoem(listen, argument.What);
            bool isStandardInput = argument.What == ServedPoem.StandardInput;
            if (isStandardInput && readsStandardInput)
            {
                problem = "standard input holds only one poem";
            }

            readsStandardInput |= isStandardInput;
            for (int j = 0; j < i && problem is null && (listen.IsUnix || listen.Port != 0); j++)
            {
                problem = placed[j].Listen.Equals(listen) ? $"two poems on {listen}: say PORT=FILE for each" : null;
            }
        }

        return problem is null;
    }

    /// <summary>The wire splits at the first point: a name has none.</summary>
    private static bool TryParseTransformation(string text, [NotNullWhen(true)] out string? name, [NotNullWhen(false)] out string? problem)
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

    private static bool TryParseShell(string text, [NotNullWhen(true)] out string? shell, [NotNullWhen(false)] out string? problem)
    {
        shell = text;
        problem = Array.IndexOf(CompletionScript.Shells, text) < 0
            ? $"'{text}' is not one of {string.Join(", ", CompletionScript.Shells)}"
            : null;
        return problem is null;
    }
}
