using System.Diagnostics;
using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class CompletionScriptTests
{
    [TestMethod]
    [DataRow("bash")]
    [DataRow("zsh")]
    [DataRow("fish")]
    [DataRow("pwsh")]
    public void For_EveryShell_HasEveryCommandAndOption(string shell)
    {
        string script = Script(shell);
        Assert.IsFalse(script.Contains('\r', StringComparison.Ordinal));
        foreach (CommandSchema command in CommandLine.Root.Subcommands)
        {
            StringAssert.Contains(script, command.Name, StringComparison.Ordinal);
            foreach (OptionSchema option in command.Options)
            {
                string name = shell == "fish" ? $"-l {option.Name[2..]}" : option.Name;
                StringAssert.Contains(script, name, StringComparison.Ordinal, $"{command.Name} {option.Name}");
            }
        }
    }

    [TestMethod]
    [DataRow("poetry ", 1, "serve slow-serve transform proxy get completion help --help --version --json")]
    [DataRow("poetry s", 1, "serve slow-serve")]
    [DataRow("poetry get --pro", 2, "--progress")]
    [DataRow("poetry get --progress ", 3, "auto lines bars none json")]
    [DataRow("poetry get --progress = b", 4, "bars")]
    [DataRow("poetry serve --log-level w", 3, "warn")]
    [DataRow("poetry completion z", 2, "zsh")]
    [DataRow("poetry get --timeout ", 3, "")]
    [DataRow("poetry serve poem", 2, "poem 1.txt poem2.txt")]
    [DataRow("poetry get -o poem", 3, "poem 1.txt poem2.txt")]
    [DataRow("poetry proxy --file poem", 3, "poem 1.txt poem2.txt")]
    [DataRow("poetry serve --file = poem", 4, "poem 1.txt poem2.txt")]
    [DataRow("poetry get --transform s", 3, "shout")]
    public void Bash_SourcedAndAsked_Answers(string words, int index, string expected)
    {
        string directory = Directory.CreateTempSubdirectory("poetry-").FullName;
        try
        {
            File.WriteAllText(Path.Join(directory, "poem 1.txt"), string.Empty);
            File.WriteAllText(Path.Join(directory, "poem2.txt"), string.Empty);
            File.WriteAllText(Path.Join(directory, "script"), Script("bash"));
            string[] typed = words.Split(' ');
            string array = string.Join(' ', Array.ConvertAll(typed, word => $"'{word}'"));
            string question = "source ./script && complete -p poetry >/dev/null && " +
                $"COMP_WORDS=({array}); COMP_CWORD={index}; _poetry; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
            string[] answers = Bash(directory, question).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Array.Sort(answers, StringComparer.Ordinal);
            string[] wanted = expected.Contains(".txt", StringComparison.Ordinal)
                ? ["poem 1.txt", "poem2.txt"]
                : expected.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Array.Sort(wanted, StringComparer.Ordinal);
            CollectionAssert.AreEqual(wanted, answers, string.Join('|', answers));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Script(string shell) => Invoke("completion", shell);

    private static string Invoke(params string[] args)
    {
        Invocation invocation = CommandLine.Parse(args);
        Assert.AreEqual(0, invocation.ExitCode, invocation.Text);
        return invocation.Text;
    }

    private static string Bash(string directory, string script)
    {
        var start = new ProcessStartInfo("bash", ["--norc", "-c", script])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process? process = TryStart(start);
        if (process is null)
        {
            Assert.Inconclusive("there is no bash here");
        }

        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(string.Empty, errors);
        return output;
    }

    private static Process? TryStart(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
