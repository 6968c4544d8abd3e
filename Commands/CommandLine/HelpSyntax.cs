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

    /// <summary>Print a script that makes a shell complete the words of poetry.</summary>
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
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry help", "the commands"), ("poetry help serve", "as poetry serve --help"),
    ];

    /// <summary>Show the help of a command.</summary>
    /// <param name="command">COMMAND: The command</param>
    public void Help([Argument] params string[] command)
    {
        CommandSchema[] named = binding.ReadAll<CommandSchema>(command, TryParseCommand);
        binding.Refuse(named.Length > 1 ? "name one command" : null);
        binding.Say(HelpText.Of(named is [var one, ..] ? one : root, root));
    }

    private bool TryParseCommand(string text, [NotNullWhen(true)] out CommandSchema? named, [NotNullWhen(false)] out string? problem)
    {
        named = root.Find(text);
        problem = named is null ? Hints.UnknownCommand(text, root) : null;
        return named is not null;
    }
}
