using ConsoleAppFramework;

namespace Poetry.Commands;

/// <summary>The commands of the program. <see cref="Parse"/> interprets a command line. It prints and runs nothing.</summary>
/// <remarks>
/// <para>
/// To add an option: each command is a class with one method (ServeSyntax, GetSyntax, …), and so is each group of options that
/// several commands share (ServerSyntax, PoemSyntax). Add a parameter with its default as typed and describe it in the XML docs.
/// A typed value arrives with a mark in front, so read it in the method with <see cref="Binding"/>, free text too
/// (<see cref="Binding.Unmarked"/>); never use the parameter itself:
/// </para>
/// <code>
/// /// &lt;param name="maxBytes"&gt;-m, BYTES: Refuse a longer poem, 0 for no limit&lt;/param&gt;
/// public void Get(string maxBytes = "0", bool netstring = false, …)
///     MaxBytes = binding.Read&lt;long&gt;(maxBytes, Quantity.TryParseSize),
/// </code>
/// <para>
/// That is the option --max-bytes with the short name -m. <c>null</c> means no default, and a <c>bool</c> is a flag. A value
/// that is one of a few words is declared as <c>text|json: …</c> and read by <see cref="Binding.ReadWord"/>. If the name of the
/// value contains FILE or PATH, shells complete files; for NAME they complete transformations. Then add a property to the
/// options class of the command (Options.cs); an option of <c>serve</c> or <c>slow-serve</c> alone is given to its command beside
/// the shared ones, as the pace of slow-serve is. Help, hints, completion and manual pages need no change.
/// </para>
/// <para>
/// ConsoleAppFramework declares, binds and dispatches: its generator reads the methods and their docs. Add a new command in
/// <see cref="Bind"/> and in <see cref="MakeSchema"/>.
/// </para>
/// </remarks>
internal static class CommandLine
{
    /// <summary>The program, with all commands and their options.</summary>
    public static CommandSchema Root { get; } = MakeSchema();

    /// <summary>Reads a command line.</summary>
    /// <param name="args">The arguments of the process, without the name of the program.</param>
    public static Invocation Parse(IReadOnlyList<string> args)
    {
        var binding = new Binding(args, Root);
        if (binding.Has("--help") && !binding.HasUnknownCommand)
        {
            return Invocation.Print(HelpText.Of(binding.Command, Root));
        }

        if (binding.Has("--version"))
        {
            return Invocation.Print(VersionText.Of(binding.Has("--json")));
        }

        binding.Refuse(binding.Has("--json") ? "--json goes with --version" : null);
        if (binding.Command == Root)
        {
            binding.Refuse($"no command is given: try {Hints.Enumerate(Root.Subcommands.ConvertAll(command => command.Name), "or")}");
        }

        Bind(binding);
        return binding.Invocation;
    }

    /// <summary>Makes the library call the methods of the command's groups and then its own, each with the words that belong to
    /// it.</summary>
    private static void Bind(Binding binding)
    {
        var servers = new ServerSyntax(binding);
        var poems = new PoemSyntax(binding, servers);
        ConsoleApp.ConsoleAppBuilder app = ConsoleApp.Create();
        app.Add("servers", servers.Servers);
        app.Add("poems", poems.Poems);
        app.Add("serve", new ServeSyntax(binding, servers, poems).Serve);
        app.Add("slow-serve", new SlowServeSyntax(binding, servers, poems).SlowServe);
        app.Add("transform", new TransformSyntax(binding, servers).Transform);
        app.Add("proxy", new ProxySyntax(binding, servers).Proxy);
        app.Add("get", new GetSyntax(binding).Get);
        app.Add("completion", new CompletionSyntax(binding, Root).Completion);
        app.Add("help", new HelpSyntax(binding, Root).Help);
        foreach (string owner in (string[])[.. binding.Command.Groups, binding.Command.Name])
        {
            if (!binding.HasFailed)
            {
                app.Run(binding.For(owner));
            }
        }
    }

    private static CommandSchema MakeSchema()
    {
        // The library reports errors here. No input of a user can cause one: it would be a bug.
        ConsoleApp.Log = ConsoleApp.LogError = static text => throw new InvalidOperationException(text);
        CommandSchema[] declared = ConsoleApp.Create().GetCliSchema();
        CommandSchema Find(string name) => Array.Find(declared, command => command.Name == name)!;
        OptionSchema[] options =
        [
            new(["-h", "--help"], "Show this help"),
            new(["--version"], "Show the version, the commit and the runtime"),
            new(["--json"], "With --version: show them as JSON"),
        ];
        var root = new CommandSchema("poetry", options, "Serve poems over TCP, slowly if asked; transform, cache and fetch them.")
        {
            Examples = [("poetry serve --port 10001 ecstasy.txt", "serve a poem"), ("poetry get 10001", "and read it")],
        };
        CommandSchema servers = Find("servers");
        CommandSchema poems = Find("poems");
        root.Add(Find("serve"), [servers, poems], ServeSyntax.Examples);
        root.Add(Find("slow-serve"), [servers, poems], SlowServeSyntax.Examples);
        root.Add(Find("transform"), [servers], TransformSyntax.Examples);
        root.Add(Find("proxy"), [servers], ProxySyntax.Examples);
        root.Add(Find("get"), [], GetSyntax.Examples);
        root.Add(Find("completion"), [], CompletionSyntax.Examples);
        root.Add(Find("help"), [], HelpSyntax.Examples);
        root.Find("help")!.Argument!.Words = [.. root.Subcommands.ConvertAll(command => command.Name), HelpSyntax.Licenses];
        return root;
    }
}
