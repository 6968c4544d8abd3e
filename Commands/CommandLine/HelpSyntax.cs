using System.Text;
using ConsoleAppFramework;

namespace Poetry.Commands;

/// <summary>The command <c>completion</c>.</summary>
internal sealed class CompletionSyntax(Binding binding, CommandSchema root)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("source <(poetry completion bash)", "in ~/.bashrc"),
        ("poetry completion zsh > ~/.zfunc/_poetry", "a directory in $fpath"),
        ("poetry completion fish > ~/.config/fish/completions/poetry.fish", "for fish"),
        ("poetry completion pwsh | Out-String | Invoke-Expression", "in $PROFILE"),
    ];

    /// <summary>Print a completion script for a shell.</summary>
    /// <param name="shell">bash|zsh|fish|pwsh: The shell</param>
    public void Completion([Argument] params string[] shell)
    {
        string[] known = binding.Command.Argument!.Words;
        string all = string.Join(", ", known);
        string[] typed = Array.ConvertAll(shell, Binding.Unmarked);
        binding.Refuse(typed.Length != 1 ? $"name one shell: {all}"
            : Array.IndexOf(known, typed[0]) < 0 ? $"'{typed[0]}' is not one of {all}"
            : null);
        if (!binding.HasFailed)
        {
            binding.Print(CompletionScript.For(typed[0], root));
        }
    }
}

/// <summary>The command <c>help</c>.</summary>
internal sealed class HelpSyntax(Binding binding, CommandSchema root)
{
    /// <summary>The topic that is not a command.</summary>
    public const string Licenses = "licenses";

    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry help serve", "as poetry serve --help"),
        ("poetry help --man serve | man -l -", "the manual page"),
        ("poetry help licenses", "the licenses of what poetry is built on"),
    ];

    /// <summary>Show the help of a command, or the licenses.</summary>
    /// <param name="man">Print the manual page, in the source form of man(7)</param>
    /// <param name="command">[COMMAND]: The command, or licenses</param>
    public void Help(bool man = false, [Argument] params string[] command)
    {
        string[] topics = Array.ConvertAll(command, Binding.Unmarked);
        if (topics is [Licenses])
        {
            binding.Refuse(man ? "--man has no effect: the licenses have no manual page" : null);
            binding.Print(LicenseTexts());
            return;
        }

        CommandSchema about = (topics is [var topic, ..] ? root.Find(topic) : root) ?? root;
        binding.Refuse(topics.Length > 0 && about == root ? Hints.UnknownCommand(topics[0], root) : null);
        binding.Refuse(topics.Length > 1 ? "name one command" : null);
        binding.Print(man ? ManPage.Of(about, root) : HelpText.Of(about, root));
    }

    /// <summary>The licenses of third-party code: the file THIRD-PARTY-NOTICES, which is embedded in the executable.</summary>
    private static string LicenseTexts()
    {
        using Stream file = typeof(HelpSyntax).Assembly.GetManifestResourceStream("THIRD-PARTY-NOTICES")!;
        byte[] utf8 = new byte[file.Length];
        file.ReadExactly(utf8);
        return Encoding.UTF8.GetString(utf8);
    }
}
