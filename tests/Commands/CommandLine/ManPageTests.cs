using System.ComponentModel;
using System.Text;
using System.Text.RegularExpressions;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>The manual pages, from their declarations, and as the tools that read them see them.</summary>
[TestClass]
public sealed partial class ManPageTests
{
    [TestMethod]
    public void APage_HasEveryOptionOfTheSchema()
    {
        foreach (CommandSchema command in CommandLine.Root.Subcommands)
        {
            string page = Page(command.Name);
            foreach (OptionSchema option in (OptionSchema[])[.. command.Options, .. CommandLine.Root.Options])
            {
                string term = string.Join(", ", option.Names) + (option.IsFlag ? string.Empty : $" {option.Placeholder}");
                string meaning = option.Default is null ? option.Description : $"{option.Description} (default: {option.Default})";
                Assert.Contains($".TP \\fB{Escaped(term)}\\fR {Escaped(meaning)}. ", page.Replace('\n', ' '));
            }

            Assert.HasCount(command.Options.Count + CommandLine.Root.Options.Count, OptionLine().Matches(page));
            Assert.AreEqual(command.Options.Any(option => TakesQuantity().IsMatch(option.Placeholder)), page.Contains("Times are seconds"));
        }
    }

    [TestMethod]
    public void APage_HasEverySectionAndExample()
    {
        string page = Page("serve");
        foreach (string title in (string[])["NAME", "SYNOPSIS", "OPTIONS", "SIGNALS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"])
        {
            Assert.Contains($".SH {title}\n", page);
        }

        foreach ((string line, _) in ServeSyntax.Examples)
        {
            Assert.Contains($".EX\n{Escaped(line)}\n.EE\n", page);
        }
    }

    [TestMethod]
    [DataRow("mandoc", "-T", "lint", "-W", "style")]
    [DataRow("man", "-l", "--warnings")]
    [DataRow("lexgrog")]
    public void ATool_FindsNothingToComplainOf(params string[] tool)
    {
        using var folder = new TemporaryFolder();
        string[] files = [.. Pages().Select(page => WritePage(folder, page))];
        Finished finished = Run(folder, [.. tool, .. files]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(string.Empty, finished.Errors);
        string output = Encoding.UTF8.GetString(finished.Bytes);
        switch (tool[0])
        {
            case "mandoc":
                Assert.AreEqual(string.Empty, output);
                break;
            case "lexgrog":
                Assert.Contains("\"poetry-serve - send a poem", output);
                Assert.HasCount(files.Length, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
                break;
            default:
                Assert.Contains("--port N", output);
                break;
        }
    }

    private static IEnumerable<string> Pages() => [string.Empty, .. CommandLine.Root.Subcommands.Select(command => command.Name)];

    private static string WritePage(TemporaryFolder folder, string command) =>
        folder.Write($"poetry{(command.Length == 0 ? "" : "-")}{command}.1", Page(command));

    private static string Page(string command)
    {
        Invocation invocation = CommandLine.Parse(
            ["help", "--man", .. command.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.AreEqual(0, invocation.ExitCode, invocation.Text);
        return invocation.Text;
    }

    private static Finished Run(TemporaryFolder folder, string[] command)
    {
        try
        {
            return ToolRun.Run(folder.Path, command);
        }
        catch (Win32Exception)
        {
            Assert.Inconclusive($"there is no {command[0]} here");
            throw;
        }
    }

    private static string Escaped(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal).Replace("'", "\\(aq", StringComparison.Ordinal);

    [GeneratedRegex("TIME|SECONDS|BYTES")]
    private static partial Regex TakesQuantity();

    [GeneratedRegex(@"^\.TP\n\\fB(\\-[a-z]+, )?\\-\\-", RegexOptions.Multiline)]
    private static partial Regex OptionLine();
}
