namespace Poetry.Commands;

/// <summary>Messages about unknown words, with the known word that was most likely meant.</summary>
internal static class Hints
{
    /// <summary>Words of other programs, with the names used here. Only names that the command has are suggested.</summary>
    private static readonly (string Typed, string Known)[] OtherWords =
    [
        ("fetch", "get"), ("download", "get"), ("curl", "get"), ("cache", "proxy"), ("server", "serve"), ("man", "help"),
        ("--host", "--iface"), ("--bind", "--iface"), ("--address", "--iface"), ("--interface", "--iface"),
        ("--retries", "--retry"), ("--threads", "--workers"), ("--verbose", "--log-level"), ("--out", "--output"),
    ];

    /// <summary>The message about an unknown command, with the nearest command, or with all commands.</summary>
    public static string UnknownCommand(string word, CommandSchema root)
    {
        List<string> commands = root.Subcommands.ConvertAll(command => command.Name);
        string hint = Nearest(word, [.. commands, .. NamesOf(root)]) is { } nearest
            ? $"did you mean '{nearest}'?"
            : $"commands: {string.Join(", ", commands)}";
        return $"unknown command '{word}' ({hint})";
    }

    /// <summary>The message about an unknown option, with the nearest option, or with the commands that have it.</summary>
    public static string UnknownOption(string name, CommandSchema command, CommandSchema root)
    {
        if (root.Subcommands.Exists(other => other.FindOption(name) is not null))
        {
            return Owners(name, root) + (command == root ? ", and comes after the command" : string.Empty);
        }

        string? meant = name.Length > 2 && command.FindOption(name[..2]) is { IsFlag: false } ? $"{name[..2]} {name[2..]}"
            : Nearest(name, [.. NamesOf(command), .. NamesOf(root)]);
        List<string> all = [];
        root.Subcommands.ForEach(other => all.AddRange(NamesOf(other)));
        string? elsewhere = command == root ? null : Nearest(name, all);
        return $"unknown option '{name}'" + (meant is not null ? $" (did you mean '{meant}'?)"
            : elsewhere is not null ? $" ({Owners(elsewhere, root)})"
            : string.Empty);
    }

    /// <summary>Joins words for a sentence: <c>serve, get or completion</c>.</summary>
    public static string Enumerate(List<string> words, string conjunction) => words.Count == 1
        ? words[0]
        : $"{string.Join(", ", words.GetRange(0, words.Count - 1))} {conjunction} {words[^1]}";

    private static string Owners(string option, CommandSchema root)
    {
        List<CommandSchema> owners = root.Subcommands.FindAll(command => command.FindOption(option) is not null);
        return $"{option} is an option of {Enumerate(owners.ConvertAll(owner => owner.Name), "and")}";
    }

    private static List<string> NamesOf(CommandSchema command) => command.Options.ConvertAll(option => option.Name);

    private static string? Nearest(string typed, List<string> known)
    {
        (_, string? meant) = Array.Find(OtherWords, pair => pair.Typed == typed);
        return meant is null ? NearestWord.Find(typed, known) : known.Contains(meant) ? meant : null;
    }
}
