using System;
using System.Collections.Generic;

namespace Poetry.Commands;

/// <summary>One section of the manual of a command: names, and what each means.</summary>
internal readonly record struct ManualSection(string Title, List<(string Name, string Meaning)> Rows);

/// <summary>
/// What help and the manual page say of a command in the same words: what its declaration holds, then signals, exit codes
/// and variables of the environment, which are declared here.
/// </summary>
internal static class Manual
{
    /// <summary>How quantities are typed.</summary>
    public const string Quantities = "Times are seconds or as 500ms, 1m30s, 2h; sizes are bytes or as 64KiB, 1MiB.";

    /// <summary>True if <see cref="Quantities"/> is of use to its reader.</summary>
    public static bool HasQuantities(CommandSchema command) => command.Options.Exists(option => option.TakesQuantity);

    /// <summary>How the command is typed: <c>[OPTIONS] FILE...</c>.</summary>
    public static string Operands(CommandSchema command) =>
        (command.Subcommands.Count > 0 ? "COMMAND " : string.Empty) + "[OPTIONS]"
        + (command.Argument is { } argument ? $" {argument.Placeholder}{(argument.Words.Length > 0 ? string.Empty : "...")}" : string.Empty);

    /// <summary>All sections that are not empty.</summary>
    public static List<ManualSection> SectionsOf(CommandSchema command, CommandSchema root)
    {
        List<OptionSchema> options = command == root ? root.Options : [.. command.Options, .. root.Options];
        var sections = new List<ManualSection>
        {
            new("Arguments", command.Argument is { } argument ? [(argument.Placeholder, argument.Description)] : []),
            new("Commands", command.Subcommands.ConvertAll(sub => (sub.Name, sub.Description))),
            new("Options", options.ConvertAll(option => (NamesOf(option), MeaningOf(option)))),
            new("Signals", Signals(command)),
            new("Exit codes", ExitCodes(command)),
            new("Environment", Environment(command, root)),
        };
        return sections.FindAll(section => section.Rows.Count > 0);
    }

    private static string NamesOf(OptionSchema option)
    {
        string names = string.Join(", ", option.Names);
        return option.IsFlag ? names : $"{names} {option.Placeholder}";
    }

    private static string MeaningOf(OptionSchema option) =>
        option.Default is null ? option.Description : $"{option.Description} (default: {option.Default})";

    private static bool IsServer(CommandSchema command) => Array.IndexOf(command.Groups, "servers") >= 0;

    private static List<(string Name, string Meaning)> Signals(CommandSchema command) => command.Name switch
    {
        "get" => [("SIGINT, SIGTERM, SIGHUP", "Cancel all downloads")],
        _ when IsServer(command) =>
        [
            ("SIGINT, SIGTERM", "Stop accepting, finish what is in flight within --drain, exit 0; a second one ends at once"),
            ("SIGHUP", command.Name switch
            {
                "proxy" => "Empty the cache; with --file, read the list again",
                "transform" => "Ignored",
                _ => "Read the poems, or the list of --file, again; clients in flight keep theirs",
            }),
            ("SIGUSR1", "Log the figures of the server"),
            ("SIGUSR2", "Open the file of --log-file again"),
        ],
        _ => [],
    };

    private static List<(string Name, string Meaning)> ExitCodes(CommandSchema command)
    {
        List<(string, string)> codes =
        [
            ("0", "Success"),
            ("1", command.Name == "get" ? "At least one poem has failed" : "Something failed at run time"),
            ("2", "The command line is wrong"),
            ("70", "Internal error: a bug"),
        ];
        if (command.Name == "get")
        {
            codes.Add(("129, 130, 143", "Ended by SIGHUP, SIGINT or SIGTERM"));
        }

        return codes;
    }

    private static List<(string Name, string Meaning)> Environment(CommandSchema command, CommandSchema root)
    {
        var variables = new List<(string, string)>();
        if (command == root || command.Name == "get")
        {
            variables.Add(("NO_COLOR", "No colours, if it is not empty"));
            variables.Add(("TERM", "No progress bars, if it is empty or dumb"));
        }

        if (command == root || IsServer(command))
        {
            variables.Add(("NOTIFY_SOCKET", "Where systemd is told of readiness, reload and end"));
            variables.Add((
                "LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID",
                "Listening sockets that systemd passes on; fd:NAME=FILE takes them by name"));
            variables.Add(("WATCHDOG_USEC, WATCHDOG_PID", "How often systemd wants a sign of life"));
        }

        if (command == root || IsServer(command) || command.Name == "get")
        {
            variables.Add(("POETRY_REACTOR", "How to wait for descriptors: epoll, kqueue or select"));
            variables.Add(("POETRY_KQUEUE_LIBRARY", "A library with kqueue, where the system has none"));
        }

        if (command == root || command.Name == "proxy")
        {
            variables.Add((SharedCacheSettings.AddressVariable, "The address of a shared cache, in place of --shared-cache"));
            variables.Add((SharedCacheSettings.PasswordVariable, "Its password, in place of one in the address"));
        }

        variables.Add(("POETRY_DEBUG", "With 1, an internal error shows its stack trace"));
        return variables;
    }
}
