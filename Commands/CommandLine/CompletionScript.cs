using System;
using System.CommandLine;
using System.Diagnostics;
using System.Text;

namespace Poetry.Commands;

/// <summary>
/// Writes the scripts by which shells complete the words of the program. The words are those that are declared; the
/// scripts only list them.
/// </summary>
internal static class CompletionScript
{
    /// <summary>The shells there is a script for.</summary>
    public static readonly string[] Shells = ["bash", "zsh", "fish", "pwsh"];

    /// <summary>The script for a shell.</summary>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    /// <param name="root">The program's declaration.</param>
    public static string For(string shell, CommandSpec root)
    {
        var script = new StringBuilder();
        _ = script.Append("# ").Append(shell).Append(" completion for ").Append(root.Name).Append('\n');
        switch (shell)
        {
            case "bash":
                Bash(script, root);
                break;
            case "zsh":
                Zsh(script, root);
                break;
            case "fish":
                Fish(script, root);
                break;
            case "pwsh":
                PowerShell(script, root);
                break;
            default:
                throw new UnreachableException(shell);
        }

        return script.ToString();
    }

    private static void Bash(StringBuilder script, CommandSpec root)
    {
        string name = root.Name;
        _ = script.Append($$"""
            _{{name}}() {
                local word=${COMP_WORDS[COMP_CWORD]} before= command= words= files= i
                if ((COMP_CWORD > 0)); then before=${COMP_WORDS[COMP_CWORD-1]}; fi
                # '=' is a word of its own: --progress=l is three.
                if [[ $word == '=' ]]; then word=; elif [[ $before == '=' ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in

            """);
        foreach (Command command in root.Subcommands)
        {
            _ = script.Append($"            {command.Name}) command={command.Name}; break ;;\n");
        }

        _ = script.Append("        esac\n    done\n    case \"$command $before\" in\n");
        foreach (CommandSpec command in root.Subcommands)
        {
            foreach (Option option in command.Options)
            {
                ValueSpec spec = command.SpecOf(option);
                if (TakesValue(option))
                {
                    _ = script.Append($"        {Patterns(command, option)}) ").Append(Offer(spec)).Append(" ;;\n");
                }
            }
        }

        _ = script.Append("        *) case \"$command\" in\n            '') words='").Append(WordsOf(root, root)).Append("' ;;\n");
        foreach (CommandSpec command in root.Subcommands)
        {
            _ = script.Append($"            {command.Name}) words='{WordsOf(command, root)}'");
            _ = script.Append(TakesFiles(command) ? "; files=1 ;;\n" : " ;;\n");
        }

        _ = script.Append($$"""
                    esac ;;
                esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                if [[ -n $files && $word != -* ]]; then
                    local IFS=$'\n'
                    COMPREPLY+=($(compgen -f -- "$word"))
                    compopt -o filenames 2>/dev/null
                fi
            }
            complete -F _{{name}} {{name}}

            """);

        static string Offer(ValueSpec spec) => spec.TakesFile ? "files=1" : $"words='{Join(spec.Words)}'";

        static string Patterns(CommandSpec command, Option option)
        {
            string patterns = $"'{command.Name} {option.Name}'";
            foreach (string alias in option.Aliases)
            {
                patterns += $"|'{command.Name} {alias}'";
            }

            return patterns;
        }
    }

    private static void Zsh(StringBuilder script, CommandSpec root)
    {
        string name = root.Name;
        _ = script.Insert(0, $"#compdef {name}\n").Append($$"""
            _{{name}}() {
                local curcontext="$curcontext" state line
                _arguments -C '1: :->command' '*:: :->arguments'
                case $state in
                    command)
                        local -a commands=(

            """);
        foreach (Command command in root.Subcommands)
        {
            _ = script.Append($"                '{command.Name}:{Quote(command.Description)}'\n");
        }

        _ = script.Append($$"""
                        )
                        _describe command commands
                        compadd -- {{WordsOfOptions(root, null)}} ;;
                    arguments)
                        case $line[1] in

            """);
        foreach (CommandSpec command in root.Subcommands)
        {
            _ = script.Append($"                {command.Name}) _arguments -s");
            foreach (CommandSpec owner in (ReadOnlySpan<CommandSpec>)[command, root])
            {
                foreach (Option option in owner.Options)
                {
                    string value = TakesValue(option) ? $":{ZshText(option.HelpName)}:{ZshAction(owner.SpecOf(option))}" : string.Empty;
                    string equals = TakesValue(option) ? "=" : string.Empty;
                    _ = script.Append($" \\\n                    '{option.Name}{equals}[{ZshText(option.Description)}]{value}'");
                }
            }

            foreach (Argument argument in command.Arguments)
            {
                _ = script.Append($" \\\n                    '*:{ZshText(argument.Name)}:{ZshAction(command.SpecOf(argument))}'");
            }

            _ = script.Append(" ;;\n");
        }

        _ = script.Append($$"""
                        esac ;;
                esac
            }
            if [ "$funcstack[1]" = "_{{name}}" ]; then _{{name}} "$@"; else compdef _{{name}} {{name}}; fi

            """);

        static string ZshAction(ValueSpec spec) =>
            spec.TakesFile ? "_files" : !spec.Words.IsEmpty ? $"({Join(spec.Words)})" : " ";

        static string ZshText(string? text) =>
            Quote(text).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)
                .Replace(":", "\\:", StringComparison.Ordinal);
    }

    private static void Fish(StringBuilder script, CommandSpec root)
    {
        string name = root.Name;
        _ = script.Append($"complete -c {name} -f\n");
        foreach (Command command in root.Subcommands)
        {
            _ = script.Append($"complete -c {name} -n __fish_use_subcommand -a {command.Name} -d '{FishQuote(command.Description)}'\n");
        }

        foreach (Option option in root.Options)
        {
            FishOption(script, name, condition: null, option, root.SpecOf(option));
        }

        foreach (CommandSpec command in root.Subcommands)
        {
            string condition = $"__fish_seen_subcommand_from {command.Name}";
            foreach (Option option in command.Options)
            {
                FishOption(script, name, condition, option, command.SpecOf(option));
            }

            foreach (Argument argument in command.Arguments)
            {
                ValueSpec spec = command.SpecOf(argument);
                string offer = spec.TakesFile ? "-F" : !spec.Words.IsEmpty ? $"-a '{Join(spec.Words)}'" : string.Empty;
                if (offer.Length > 0)
                {
                    _ = script.Append($"complete -c {name} -n '{condition}' {offer}\n");
                }
            }
        }
    }

    private static void FishOption(StringBuilder script, string name, string? condition, Option option, ValueSpec spec)
    {
        _ = script.Append($"complete -c {name}");
        if (condition is not null)
        {
            _ = script.Append($" -n '{condition}'");
        }

        _ = script.Append($" -l {option.Name.TrimStart('-')}");
        foreach (string alias in option.Aliases)
        {
            _ = script.Append($" -s '{alias[1..]}'");
        }

        if (TakesValue(option))
        {
            _ = script.Append(spec.TakesFile ? " -r -F" : $" -x -a '{Join(spec.Words)}'");
        }

        _ = script.Append($" -d '{FishQuote(option.Description)}'\n");
    }

    private static void PowerShell(StringBuilder script, CommandSpec root)
    {
        string name = root.Name;
        _ = script.Append($$"""
            Register-ArgumentCompleter -Native -CommandName {{name}} -ScriptBlock {
                param($word, $ast, $position)
                $words = @{
                    '' = '{{WordsOf(root, root)}}'

            """);
        foreach (CommandSpec command in root.Subcommands)
        {
            _ = script.Append($"        '{command.Name}' = '{WordsOf(command, root)}'\n");
        }

        _ = script.Append("    }\n    $values = @{\n");
        foreach (CommandSpec command in root.Subcommands)
        {
            foreach (Option option in command.Options)
            {
                ReadOnlySpan<string> words = command.SpecOf(option).Words;
                if (!words.IsEmpty)
                {
                    _ = script.Append($"        '{command.Name} {option.Name}' = '{Join(words)}'\n");
                }
            }
        }

        _ = script.Append($$"""
                }
                $typed = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { "$_" })
                $command = $typed | Select-Object -Skip 1 | Where-Object { $words.ContainsKey($_) } | Select-Object -First 1
                $key = "$command $($typed[-1])"
                $offer = if ($values.ContainsKey($key)) { $values[$key] } else { $words["$command"] }
                $offer -split ' ' | Where-Object { $_ -like "$word*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }

            """);
    }

    private static bool TakesValue(Option option) => option.Arity.MinimumNumberOfValues > 0;

    private static bool TakesFiles(CommandSpec command)
    {
        foreach (Argument argument in command.Arguments)
        {
            if (command.SpecOf(argument).TakesFile)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Everything that may follow a command: commands, the words of its arguments, options.</summary>
    private static string WordsOf(CommandSpec command, CommandSpec root)
    {
        string words = string.Empty;
        foreach (Command sub in command.Subcommands)
        {
            words += $"{sub.Name} ";
        }

        foreach (Argument argument in command.Arguments)
        {
            foreach (string word in command.SpecOf(argument).Words)
            {
                words += $"{word} ";
            }
        }

        return words + WordsOfOptions(command, command == root ? null : root);
    }

    private static string WordsOfOptions(CommandSpec command, CommandSpec? root)
    {
        string words = string.Empty;
        foreach (Option option in command.Options)
        {
            words += words.Length == 0 ? option.Name : $" {option.Name}";
        }

        return root is null ? words : words.Length == 0 ? WordsOfOptions(root, null) : $"{words} {WordsOfOptions(root, null)}";
    }

    private static string Join(ReadOnlySpan<string> words) => string.Join(' ', words!);

    private static string Quote(string? text) => (text ?? string.Empty).Replace("'", "'\\''", StringComparison.Ordinal);

    private static string FishQuote(string? text) => (text ?? string.Empty).Replace("'", "\\'", StringComparison.Ordinal);
}
