using System.Text.RegularExpressions;
using Poetry.Commands;
using Poetry.Tests.House;

namespace Poetry.Tests.Commands;

/// <summary>The help of every command, however it is asked for.</summary>
[TestClass]
public sealed partial class HelpTextTests
{
    public static IEnumerable<object[]> CommandsWithHelp =>
        CommandLine.Root.Subcommands.Select(command => new object[] { $"{command.Name} --help" });

    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    [DataRow("get 10001 -h")]
    [DataRow("get abc --help", DisplayName = "help in spite of a mistake")]
    [DynamicData(nameof(CommandsWithHelp))]
    public void Parse_Help_HasUsageAndExamplesAndFitsTheScreen(string line)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '));
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(0, invocation.ExitCode);
        StringAssert.StartsWith(invocation.Text, "Usage: poetry ", StringComparison.Ordinal);
        StringAssert.Contains(invocation.Text, "\nExamples:\n", StringComparison.Ordinal);
        StringAssert.Contains(invocation.Text, "--help", StringComparison.Ordinal);
        Assert.IsFalse(invocation.Text.Split('\n').Any(l => l.Length > 80 || l.EndsWith(' ')), invocation.Text);
    }

    [TestMethod]
    public void Help_OfEveryOption_NamesItsDefault()
    {
        string help = CommandLine.Parse(["serve", "--help"]).Text;
        string[] texts =
        [
            "--port N", "(default: 60)", "(default: 127.0.0.1)", "--log-level trace|debug|info|warn|error", "--metrics ADDRESS",
        ];
        foreach (string text in texts)
        {
            StringAssert.Contains(help, text, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    [DataRow("serve --help", "SIGHUP", "SIGUSR1", "SIGUSR2", "0 ", "1 ", "2 ", "70 ", "POETRY_REACTOR", "NOTIFY_SOCKET")]
    [DataRow("get --help", "SIGINT", "1    ", "129, 130, 143", "NO_COLOR", "POETRY_DEBUG")]
    [DynamicData(nameof(CommandsWithHelp))]
    public void Help_OfACommand_HasSignalsExitCodesAndVariables(string line, params string[] words)
    {
        string help = CommandLine.Parse(line.Split(' ')).Text;
        StringAssert.Contains(help, "\nExit codes:\n", StringComparison.Ordinal);
        StringAssert.Contains(help, "\nEnvironment:\n", StringComparison.Ordinal);
        foreach (string word in (string[])[.. words, "0 ", "2 ", "POETRY_DEBUG"])
        {
            StringAssert.Contains(help, $"  {word}", StringComparison.Ordinal);
        }
    }

    [TestMethod]
    [DataRow("help --help", "poetry help [OPTIONS] [COMMAND]")]
    [DataRow("completion --help", "poetry completion [OPTIONS] bash|zsh|fish|pwsh")]
    [DataRow("get --help", "poetry get [OPTIONS] ADDRESS...")]
    [DataRow("transform --help", "poetry transform [OPTIONS]")]
    public void Help_ShowsDotsAfterAnArgumentThatCanBeRepeated(string line, string usage) =>
        Assert.StartsWith($"Usage: {usage}\n", CommandLine.Parse(line.Split(' ')).Text);

    [TestMethod]
    [DynamicData(nameof(CommandsWithHelp))]
    public void Help_ExplainsTimesAndSizesWhereThereAreAny(string line)
    {
        string help = CommandLine.Parse(line.Split(' ')).Text;
        bool hasAny = help.Contains("SECONDS", StringComparison.Ordinal) || help.Contains("TIME", StringComparison.Ordinal);
        Assert.AreEqual(hasAny, help.Contains(Manual.Quantities, StringComparison.Ordinal));
    }

    /// <summary>Aim: no variable is read that help does not name. Method: the sources are searched for reads.</summary>
    [TestMethod]
    public void Help_OfTheProgram_NamesEveryVariableThatIsRead()
    {
        string help = CommandLine.Parse(["--help"]).Text;
        string[] variables = [.. from source in Source.Product
                                 from Match match in VariableRead().Matches(source.Text)
                                 select match.Groups[1].Value];
        Assert.IsGreaterThan(8, variables.Length);
        foreach (string variable in variables)
        {
            StringAssert.Contains(help, variable, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    public void Help_OfTheLicenses_NamesWhatIsLinked()
    {
        string text = CommandLine.Parse(["help", "licenses"]).Text;
        string[] names =
        [
            ".NET runtime", "Microsoft.Extensions.Logging", "ConsoleAppFramework", "ZLogger", "Utf8StringInterpolation",
            "Permission is hereby granted", "LGPL-2.1-or-later",
        ];
        foreach (string name in names)
        {
            StringAssert.Contains(text, name, StringComparison.Ordinal);
        }
    }

    [TestMethod]
    [DataRow("--help")]
    [DynamicData(nameof(CommandsWithHelp))]
    public void Parse_HelpAsACommand_IsThatOfTheOption(string option)
    {
        Invocation invocation = CommandLine.Parse(["help", .. option.Split(' ')[..^1]]);
        Assert.AreEqual(0, invocation.ExitCode);
        Assert.AreEqual(CommandLine.Parse(option.Split(' ')).Text, invocation.Text);
    }

    [GeneratedRegex("""(?:GetEnvironmentVariable\(|const string Variable = )"(\w+)" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex VariableRead();
}
