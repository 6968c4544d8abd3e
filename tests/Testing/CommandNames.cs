using System.Globalization;
using Poetry.Commands;

namespace Poetry.Tests.Testing;

/// <summary>The commands as the schema has them, so that no test forgets one.</summary>
public static class CommandNames
{
    /// <summary>All that serve.</summary>
    public static IEnumerable<object[]> Servers =>
        from command in CommandLine.Root.Subcommands
        where command.Groups.Contains("servers")
        select new object[] { command.Name };

    /// <summary>The least that a server needs besides its options: a file <c>poem.txt</c>, or an upstream that is not there.</summary>
    public static string[] OperandsOf(string server) => CommandLine.Root.Find(server)!.Argument switch
    {
        null => [],
        { TakesFile: true } => ["poem.txt"],
        _ => [FaultServer.FreePort().ToString(CultureInfo.InvariantCulture)],
    };
}
