using System;
using System.Collections.Generic;

namespace Poetry.Commands;

/// <summary>What to tell a user about a word that is unknown: the known word that was most likely meant.</summary>
internal static class Hints
{
    /// <summary>Words of other programs for what has another name here. Only the names that the command has are offered.</summary>
    private static readonly (string Typed, string Known)[] OtherWords =
    [
        ("fetch", "get"), ("download", "get"), ("curl", "get"), ("cache", "proxy"), ("server", "serve"),
        ("--host", "--iface"), ("--bind", "--iface"), ("--address", "--iface"), ("--interface", "--iface"),
        ("--retries", "--retry"), ("--threads", "--workers"), ("--verbose", "--log-level"), ("--out", "--output"),
    ];

    /// <summary>A word that is no command, with the nearest that is one, or all.</summary>
    public static string UnknownCommand(string word, CommandSchema root)
    {
        List<string> commands = root.Subcommands.ConvertAll(command => command.Name);
        string hint = Nearest(word, commands) is { } nearest ? $"did you mean '{nearest}'?" : $"commands: {string.Join(", ", commands)}";
        return $"unknown command '{word}' ({hint})";
    }

    /// <summary>An option that the command does not have, with the nearest that it has, or the commands that have it.</summary>
    public static string UnknownOption(string name, CommandSchema command, CommandSchema root)
    {
        List<CommandSchema> owners = root.Subcommands.FindAll(other => other.FindOption(name) is not null);
        if (owners.Count > 0)
        {
            string where = command == root ? ", and comes after the command" : string.Empty;
            return $"{name} is an option of {Enumerate(owners.ConvertAll(owner => owner.Name), "and")}{where}";
        }

        string? meant = name.Length > 2 && command.FindOption(name[..2]) is { IsFlag: false } ? $"{name[..2]} {name[2..]}"
            : Nearest(name, [.. NamesOf(command), .. NamesOf(root)]);
        if (meant is not null)
        {
            return $"unknown option '{name}' (did you mean '{meant}'?)";
        }

        foreach (CommandSchema other in command == root ? [] : root.Subcommands)
        {
            if (Nearest(name, NamesOf(other)) is { } elsewhere)
            {
                return $"unknown option '{name}' ({elsewhere} is an option of {other.Name})";
            }
        }

        return $"unknown option '{name}'";
    }

    /// <summary>Words in a sentence: <c>serve, get or completion</c>.</summary>
    public static string Enumerate(List<string> words, string conjunction) => words.Count == 1
        ? words[0]
        : $"{string.Join(", ", words.GetRange(0, words.Count - 1))} {conjunction} {words[^1]}";

    private static List<string> NamesOf(CommandSchema command) => command.Options.ConvertAll(option => option.Name);

    private static string? Nearest(string typed, List<string> known)
    {
        (_, string? meant) = Array.Find(OtherWords, pair => pair.Typed == typed);
        return meant is not null && known.Contains(meant) ? meant : NearestWord.Find(typed, known);
    }
}
