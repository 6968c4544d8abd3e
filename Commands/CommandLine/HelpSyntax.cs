using System;
using System.Diagnostics.CodeAnalysis;
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
        string all = string.Join(", ", binding.Words.Command.Argument!.Words);
        string[] shells = binding.ReadAll<string>(shell, TryParseShell);
        binding.Refuse(shells.Length == 1 ? null : $"name one shell: {all}");
        if (!binding.HasFailed)
        {
            binding.Say(CompletionScript.For(shells[0], root));
        }

        bool TryParseShell(string text, [NotNullWhen(true)] out string? known, [NotNullWhen(false)] out string? problem)
        {
            known = text;
            problem = Array.IndexOf(binding.Words.Command.Argument!.Words, text) < 0 ? $"'{text}' is not one of {all}" : null;
            return problem is null;
        }
    }
}

/// <summary>The command <c>help</c>.</summary>
internal sealed class HelpSyntax(Binding binding, CommandSchema root)
{
    /// <summary>A topic that is no command.</summary>
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
        bool wantsLicenses = command is [var word] && CommandWords.Unmarked(word) == Licenses;
        CommandSchema[] named = wantsLicenses ? [] : binding.ReadAll<CommandSchema>(command, TryParseCommand);
        binding.Refuse(named.Length > 1 ? "name one command" : null);
        binding.Refuse(wantsLicenses && man ? "--man has no effect: the licenses have no manual page" : null);
        CommandSchema about = named is [var one, ..] ? one : root;
        binding.Say(wantsLicenses ? Notices.Text() : man ? ManPage.Of(about, root) : HelpText.Of(about, root));
    }

    private bool TryParseCommand(string text, [NotNullWhen(true)] out CommandSchema? named, [NotNullWhen(false)] out string? problem)
    {
        named = root.Find(text);
        problem = named is null ? Hints.UnknownCommand(text, root) : null;
        return named is not null;
    }
}
