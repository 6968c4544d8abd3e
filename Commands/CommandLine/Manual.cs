namespace Poetry.Commands;

/// <summary>One section of the manual of a command: names with their meanings, and a note about all of them or null.</summary>
internal readonly record struct ManualSection(string Title, List<(string Name, string Meaning)> Rows, string? Note = null);

/// <summary>
/// The contents that the help and the manual page of a command share: its declaration, then signals, exit codes and environment
/// variables, which are declared here.
/// </summary>
internal static class Manual
{
    public const string Quantities = "Times are seconds or as 500ms, 1m30s, 2h; sizes are bytes or as 64KiB, 1MiB.";

    /// <summary>The words after the command in a usage line: <c>[OPTIONS] FILE...</c>.</summary>
    public static string Operands(CommandSchema command) =>
        (command.Subcommands.Count > 0 ? "COMMAND " : string.Empty) + "[OPTIONS]"
        + (command.Argument is { } argument ? $" {argument.Placeholder}{(argument.Words.Length > 0 ? string.Empty : "...")}" : string.Empty);

    /// <summary>All sections that are not empty.</summary>
    public static List<ManualSection> SectionsOf(CommandSchema command, CommandSchema root)
    {
        bool isRoot = command == root;
        bool isGet = command.Name == "get";
        bool isProxy = command.Name == "proxy";
        bool isServer = Array.IndexOf(command.Groups, "servers") >= 0;
        bool servesPoems = Array.IndexOf(command.Groups, "poems") >= 0;
        List<OptionSchema> options = isRoot ? root.Options : [.. command.Options, .. root.Options];
        var sections = new List<ManualSection>
        {
            new("Arguments", command.Argument is { } argument ? [(argument.Placeholder, argument.Description)] : []),
            new("Commands", command.Subcommands.ConvertAll(sub => (sub.Name, sub.Description))),
            new(
                "Options",
                options.ConvertAll(option => (
                    $"{string.Join(", ", option.Names)} {option.Placeholder}".TrimEnd(),
                    option.Default is null ? option.Description : $"{option.Description} (default: {option.Default})")),
                options.Exists(option => option.TakesQuantity) ? Quantities : null),
            new("Signals", Chosen(
                (isGet, "SIGINT, SIGTERM, SIGHUP", "Cancel all downloads"),
                (isServer, "SIGINT, SIGTERM", "Stop accepting, finish what is in flight within --drain, exit 0; a second one ends at once"),
                (servesPoems, "SIGHUP", "Read the poems, or the list of --file, again; clients in flight keep theirs"),
                (isProxy, "SIGHUP", "Empty the cache; with --file, read the list again"),
                (isServer && !isProxy && !servesPoems, "SIGHUP", "Ignored"),
                (isServer, "SIGUSR1", "Log the figures of the server"),
                (isServer, "SIGUSR2", "Open the file of --log-file again"))),
            new("Exit codes", Chosen(
                (true, "0", "Success"),
                (isGet, "1", "At least one poem has failed"),
                (!isGet, "1", "Something failed at run time"),
                (true, "2", "The command line is wrong"),
                (true, "70", "Internal error: a bug"),
                (isGet, "129, 130, 143", "Ended by SIGHUP, SIGINT or SIGTERM"))),
            new("Environment", Chosen(
                (isRoot || isGet, "NO_COLOR", "No colours, if it is not empty"),
                (isRoot || isGet, "TERM", "No progress bars, if it is empty or dumb"),
                (isRoot || isServer, "NOTIFY_SOCKET", "Where systemd is told of readiness, reload and end"),
                (
                    isRoot || isServer,
                    "LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID",
                    "Listening sockets that systemd passes on; fd:NAME=FILE takes them by name"),
                (isRoot || isServer, "WATCHDOG_USEC, WATCHDOG_PID", "How often systemd wants a sign of life"),
                (isRoot || isServer || isGet, "POETRY_REACTOR", "How to wait for descriptors: epoll, kqueue or select"),
                (isRoot || isServer || isGet, "POETRY_KQUEUE_LIBRARY", "A library with kqueue, where the system has none"),
                (isRoot || isProxy, SharedCacheSettings.AddressVariable, "The address of a shared cache, in place of --shared-cache"),
                (isRoot || isProxy, SharedCacheSettings.PasswordVariable, "Its password, in place of one in the address"),
                (true, "POETRY_DEBUG", "With 1, an internal error shows its stack trace"))),
        };
        return sections.FindAll(section => section.Rows.Count > 0);
    }

    private static List<(string Name, string Meaning)> Chosen(params (bool IsShown, string Name, string Meaning)[] rows)
    {
        var chosen = new List<(string, string)>();
        foreach ((bool isShown, string name, string meaning) in rows)
        {
            chosen.AddRange(isShown ? [(name, meaning)] : []);
        }

        return chosen;
    }
}
