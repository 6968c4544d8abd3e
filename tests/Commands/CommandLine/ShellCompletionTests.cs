using System.ComponentModel;
using System.Globalization;
using System.Text;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>The completion scripts in the shells that they are for: a file is completed, after <c>PORT=</c> too.</summary>
[TestClass]
public sealed class ShellCompletionTests
{
    private static readonly string[] Typed =
    [
        "serve 10001=uni", "slow-serve uni", "get --output=uni", "get -o uni", "get --progress l", "completion z",
        "proxy --file uni", "serve --file=uni", "serve --log-file uni", "proxy --transform s",
    ];

    private static readonly string[] Words =
    [
        "10001=unique-poem.txt", "unique-poem.txt", "--output=unique-poem.txt", "unique-poem.txt", "lines", "zsh",
        "unique-poem.txt", "--file=unique-poem.txt", "unique-poem.txt", "shout",
    ];

    /// <summary>Aim: what a user gets who presses the tab key. Method: an interactive zsh on a terminal, whose poetry is a
    /// function that prints its last argument.</summary>
    [TestMethod]
    public void Zsh_AtAPrompt_CompletesTheWord()
    {
        var script = new StringBuilder("""
            zmodload zsh/zpty
            zpty z "PS1= zsh -f -i"
            zpty -w z 'autoload -Uz compinit; compinit -u -D; source ./script; poetry() { print -r -- "<${@[-1]}>" }; print rea""dy'
            zpty -r z out '*ready*'

            """);
        foreach (string line in Typed)
        {
            _ = script.Append(
                CultureInfo.InvariantCulture,
                $"zpty -w -n z $'poetry {line}\\t\\n'; zpty -r z out '*<*>*'; print -r -- \"${{${{out##*<}}%%>*}}\"\n");
        }

        AssertLines(Run("zsh", script.Append("zpty -d z\n").ToString(), "zsh", "-f", "ask"), Words);
    }

    [TestMethod]
    public void Fish_Asked_CompletesTheWord()
    {
        string script = "source ./script\n" + string.Concat(Typed.Select(line => $"complete -C 'poetry {line}' | string split -f1 \\t\n"));
        AssertLines(Run("fish", script, "fish", "--no-config", "ask"), Words);
    }

    [TestMethod]
    public void PowerShell_Asked_CompletesTheWord()
    {
        string script = ". ./script.ps1\n" + string.Concat(
            Typed.Select(line => $"(TabExpansion2 'poetry {line}' {"poetry ".Length + line.Length}).CompletionMatches.CompletionText\n"));
        string output = Run("pwsh", script, "pwsh", "-NoProfile", "-NonInteractive", "-File", "ask.ps1");
        AssertLines(output.Replace("./", string.Empty, StringComparison.Ordinal), Words);
    }

    private static void AssertLines(string output, string[] expected) =>
        CollectionAssert.AreEqual(expected, output.Split('\n', StringSplitOptions.RemoveEmptyEntries), output);

    private static string Run(string shell, string question, params string[] command)
    {
        using var folder = new TemporaryFolder();
        string suffix = shell == "pwsh" ? ".ps1" : string.Empty;
        _ = folder.Write("unique-poem.txt", "a poem");
        _ = folder.Write($"script{suffix}", CommandLine.Parse(["completion", shell]).Text);
        _ = folder.Write($"ask{suffix}", question);
        try
        {
            Finished finished = ToolRun.Run(folder.Path, command);
            Assert.AreEqual(string.Empty, finished.Errors);
            return Encoding.UTF8.GetString(finished.Bytes);
        }
        catch (Win32Exception)
        {
            Assert.Inconclusive($"there is no {shell} here");
            throw;
        }
    }
}
