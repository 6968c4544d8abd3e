using System.Text.RegularExpressions;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>What holds for every option of every command, whichever there are.</summary>
[TestClass]
public sealed partial class SchemaTests
{
    /// <summary>Values that can be any text, or nearly.</summary>
    private static readonly string[] FreeText = ["NAME", "FILE", "FILE|DIRECTORY", "PATH", "TEXT", "URL", "TEXT"];

    public static IEnumerable<object[]> Commands => CommandLine.Root.Subcommands.Select(command => new object[] { command.Name });

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void AnOption_IsDeclaredForHelp(string name)
    {
        CommandSchema command = CommandLine.Root.Find(name)!;
        foreach (OptionSchema option in command.Options)
        {
            string where = $"{name} {option.Name}";
            Assert.MatchesRegex(LongName(), option.Name, where);
            Assert.IsTrue(option.Names[..^1].All(spelling => ShortName().IsMatch(spelling)), where);
            Assert.AreEqual(option.IsFlag, option.Placeholder.Length == 0, $"{where}: the doc of a value begins with its name and a colon");
            Assert.MatchesRegex(Sentence(), option.Description, $"{where}: an imperative without a full stop");
        }

        string[] names = [.. command.Options.Concat(CommandLine.Root.Options).SelectMany(option => option.Names)];
        Assert.HasCount(names.Length, names.Distinct(), "a name is that of one option");
        Assert.IsNotEmpty(command.Examples);
        Assert.EndsWith(".", command.Description);
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void AnOption_NeedsItsValueOnce(string name)
    {
        foreach (OptionSchema option in CommandLine.Root.Find(name)!.Options)
        {
            if (option.IsFlag)
            {
                AssertRefused(name, $"{option.Name} takes no value", $"{option.Name}=maybe");
                AssertRefused(name, $"{option.Name} is given twice", option.Names[0], option.Name);
            }
            else
            {
                AssertRefused(name, $"{option.Name} needs a value", option.Name);
                AssertRefused(name, $"{option.Name} needs a value", $"{option.Name}=");
                AssertRefused(name, $"{option.Names[0]} needs a value", option.Names[0], "--", "1");
                AssertRefused(name, $"{option.Name} is given twice", option.Name, "1", $"{option.Names[0]}=1");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void AValueThatIsNone_IsRefusedByTheNameOfItsOption(string name)
    {
        CommandSchema command = CommandLine.Root.Find(name)!;
        string[] arguments = command.Argument is null ? [] : ["1"];
        foreach (OptionSchema option in command.Options)
        {
            if (!option.IsFlag && !FreeText.Contains(option.Placeholder))
            {
                foreach (string value in (string[])["?!", "", "-", "\n"])
                {
                    string text = Refusal([name, option.Name, value, .. arguments]);
                    Assert.StartsWith($"poetry {name}: {option.Name}: '", text);
                }
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void ADefault_CanBeTyped(string name)
    {
        foreach (OptionSchema option in CommandLine.Root.Find(name)!.Options.Where(option => option.Default is not null))
        {
            Invocation invocation = CommandLine.Parse([name, option.Name, option.Default!, "1"]);
            Assert.DoesNotContain($": {option.Name}: ", invocation.Text);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void AnOptionOfAnotherCommand_IsRefusedWithItsCommand(string name)
    {
        CommandSchema command = CommandLine.Root.Find(name)!;
        foreach (OptionSchema option in CommandLine.Root.Subcommands.SelectMany(other => other.Options))
        {
            foreach (string spelling in option.Names.Where(spelling => command.FindOption(spelling) is null))
            {
                Assert.StartsWith($"poetry {name}: {spelling} is an option of ", Refusal([name, spelling]));
                Assert.EndsWith(" and comes after the command\n", Refusal([spelling, name]).Replace(",", "", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>A letter too few, or two that are swapped: the option is named, for every option of every command.</summary>
    [TestMethod]
    [DynamicData(nameof(Commands))]
    public void AnOption_Mistyped_IsNamed(string name)
    {
        foreach (OptionSchema option in CommandLine.Root.Find(name)!.Options.Concat(CommandLine.Root.Options))
        {
            foreach (string typed in (string[])[MistypedWords.Swapped(option.Name), option.Name.Remove(3, 1)])
            {
                string refusal = Refusal([name, typed, "1"]);
                Assert.AreEqual($"poetry {name}: unknown option '{typed}' (did you mean '{option.Name}'?)\n", refusal);
            }
        }
    }

    private static void AssertRefused(string command, string problem, params string[] words) =>
        Assert.AreEqual($"poetry {command}: {problem}\n", Refusal([command, .. words]));

    private static string Refusal(string[] line)
    {
        Invocation invocation = CommandLine.Parse(line);
        Assert.IsNull(invocation.Run, string.Join(' ', line));
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode, string.Join(' ', line));
        Assert.AreEqual(1, invocation.Text.Count(c => c == '\n'), invocation.Text);
        return invocation.Text;
    }

    [GeneratedRegex("^--[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    private static partial Regex LongName();

    [GeneratedRegex("^-[a-z]{1,2}$")]
    private static partial Regex ShortName();

    [GeneratedRegex("^[A-Z][^\"\\\\]*[^.\\s]$")]
    private static partial Regex Sentence();
}
