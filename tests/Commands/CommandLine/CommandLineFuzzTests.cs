using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>
/// Aim: no command line, however wrong, ends in an exception or an internal error. Method: thousands of them, built from
/// the schema and from words that are good, nearly good and nonsense.
/// </summary>
[TestClass]
public sealed class CommandLineFuzzTests
{
    private const int Lines = 5_000;

    private static readonly string[] Values =
    [
        "0", "1", "-1", "10001", "65536", "99999999999999999999", "0.7", "500ms", "2h", "forever", "1MiB", "9e9", "NaN", "",
        " ", "-", "--", "--help", "-h", "=", "==", "a=b", "a.txt", "10001=a.txt", "0=1", "[::1]:80", "[::", "::1", "host:1",
        "a:1,b:2", "unix:", "unix:s", "unix:s=f", "http://h/", "127.0.0.1:1", "localhost", "auto", "text", "json", "warn",
        "Warn", "2", "info,warn", "shout", "a.b", "nul\0l", "\n", "\x1b[31m", "\u202e", "\ud800", "é", "poem\r\n.", "none",
    ];

    public required TestContext TestContext { get; init; }

    [TestMethod]
    public void AnyLine_IsRunOrAnsweredInOneWay()
    {
        Random random = Seed.Start(TestContext);
        string[] names = [.. CommandLine.Root.Subcommands.Select(command => command.Name)];
        OptionSchema[] options = [.. CommandLine.Root.Subcommands.SelectMany(command => command.Options), .. CommandLine.Root.Options];
        int runs = 0, answers = 0, refusals = 0;
        for (int i = 0; i < Lines; i++)
        {
            string[] line = MakeLine(random, names, options);
            Invocation invocation = Parse(line);
            if (invocation.Run is not null)
            {
                AssertIsOneLine(invocation.Text, line, mayBeEmpty: true);
                runs++;
            }
            else if (invocation.ExitCode == ExitCode.Success)
            {
                Assert.EndsWith("\n", invocation.Text);
                answers++;
            }
            else
            {
                Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode, Show(line));
                AssertIsOneLine(invocation.Text, line, mayBeEmpty: false);
                refusals++;
            }
        }

        // So that it can't pass for want of one of the three.
        Assert.IsTrue(runs > 100 && answers > 100 && refusals > 100, $"{runs} run, {answers} answered, {refusals} refused");
    }

    private static Invocation Parse(string[] line)
    {
        try
        {
            return CommandLine.Parse(line);
        }
        catch (Exception exception)
        {
            throw new AssertFailedException($"{Show(line)} threw", exception);
        }
    }

    private static string[] MakeLine(Random random, string[] names, OptionSchema[] options)
    {
        var line = new List<string>();
        if (random.Next(20) > 0)
        {
            line.Add(Misspelled(random, Pick(random, names)));
        }

        CommandSchema? command = line.Count == 0 ? null : CommandLine.Root.Find(line[0]);
        for (int count = random.Next(6); count > 0; count--)
        {
            bool isOwn = command is { Options.Count: > 0 } && random.Next(8) > 0;
            OptionSchema option = isOwn ? Pick(random, [.. command!.Options]) : Pick(random, options);
            string name = Misspelled(random, Pick(random, option.Names));
            string value = option.Words.Length > 0 && random.Next(2) == 0 ? Pick(random, option.Words)
                : random.Next(2) == 0 ? option.Default ?? Pick(random, Values) : Pick(random, Values);
            line.AddRange((random.Next(5), option.IsFlag) switch
            {
                (0, _) => [Pick(random, Values)],
                (1, _) => [$"{name}={value}"],
                (_, true) => [name],
                _ => (string[])[name, value],
            });
        }

        for (int count = random.Next(3); count > 0; count--)
        {
            string word = random.Next(2) == 0 ? $"{random.Next(1, 65536)}" : Pick(random, Values);
            line.Insert(random.Next(Math.Min(1, line.Count), line.Count + 1), word);
        }

        return [.. line];
    }

    /// <summary>Now and then with a letter changed, dropped or doubled.</summary>
    private static string Misspelled(Random random, string word)
    {
        int at = random.Next(word.Length);
        return random.Next(40) switch
        {
            0 => word.Remove(at, 1),
            1 => word.Insert(at, word[at].ToString()),
            2 => word[..at] + (char)random.Next(' ', 127) + word[(at + 1)..],
            _ => word,
        };
    }

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];

    private static void AssertIsOneLine(string text, string[] line, bool mayBeEmpty)
    {
        if (mayBeEmpty && text.Length == 0)
        {
            return;
        }

        Assert.StartsWith("poetry", text, Show(line));
        Assert.EndsWith("\n", text, Show(line));
        Assert.IsFalse(text[..^1].Any(char.IsControl), Show(line));
    }

    private static string Show(string[] line) => string.Join(' ', line.Select(word => $"'{word}'"));
}
