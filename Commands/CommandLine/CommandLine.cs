using System;
using System.Collections.Generic;
using ConsoleAppFramework;

namespace Poetry.Commands;

/// <summary>
/// The commands of the program. Nothing is read, written or run here: <see cref="Parse"/> says what a command line means.
/// </summary>
/// <remarks>
/// <para>
/// How an option is added. Each command is a class with one method (ServeSyntax, GetSyntax, …); options that several
/// commands share are one too (ServerSyntax, PoemSyntax). Add a parameter with its default as typed, describe it in the XML
/// docs, and read it there:
/// </para>
/// <code>
/// /// &lt;param name="maxBytes"&gt;-m, BYTES: Refuse a longer poem, 0 for no limit&lt;/param&gt;
/// public void Get(string maxBytes = "0", bool netstring = false, …)
///     MaxBytes = binding.Read&lt;long&gt;(maxBytes, Quantity.TryParseSize),
/// </code>
/// <para>
/// That is the option --max-bytes with the short name -m. <c>null</c> is no default, a <c>bool</c> is a flag. A value that is
/// one of a few words is declared as <c>text|json: …</c> and read by <see cref="Binding.ReadWord"/>; one with FILE or
/// PATH in its name completes files, NAME the transformations. Then add a property to the options class that the command is
/// given (Options.cs). Help, hints, completion and manual pages need nothing.
/// </para>
/// <para>
/// ConsoleAppFramework declares, binds and dispatches: its generator reads the methods and their docs. A new command is
/// added in <see cref="Bind"/> and in <see cref="MakeSchema"/>.
/// </para>
/// </remarks>
internal static class CommandLine
{
    /// <summary>The program: all commands and what is known of their options.</summary>
    public static CommandSchema Root { get; } = MakeSchema();

    /// <summary>Reads a command line.</summary>
    /// <param name="args">As the operating system gave them, without the name of the program.</param>
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

    /// <summary>Has the library call the methods of the groups and then that of the command, each with its own words.</summary>
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
        // The library reports through these. Nothing that a user types gets so far: what does is a bug.
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
