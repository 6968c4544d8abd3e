using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;

namespace Poetry.Commands;

/// <summary>
/// Writes the scripts by which shells complete the words of the program. The words are those that are declared; the
/// scripts only list them.
/// </summary>
internal static class CompletionScript
{
    /// <summary>The script for a shell.</summary>
    /// <param name="shell">bash, zsh, fish or pwsh.</param>
    /// <param name="root">The program's declaration.</param>
    public static string For(string shell, CommandSchema root)
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

    private static void Bash(StringBuilder script, CommandSchema root)
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
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"            {command.Name}) command={command.Name}; break ;;\n");
        }

        _ = script.Append("        esac\n    done\n    case \"$command $before\" in\n");
        foreach (CommandSchema command in root.Subcommands)
        {
            foreach (OptionSchema option in command.Options)
            {
                if (!option.IsFlag)
                {
                    _ = script.Append($"        {Patterns(command, option)}) ").Append(Offer(option)).Append(" ;;\n");
                }
            }
        }

        _ = script.Append("        *) case \"$command\" in\n            '') words='").Append(WordsOf(root, root)).Append("' ;;\n");
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"            {command.Name}) words='{WordsOf(command, root)}'");
            _ = script.Append(command.Argument is { TakesFile: true } ? "; files=1 ;;\n" : " ;;\n");
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

        static string Offer(OptionSchema value) => value.TakesFile ? "files=1" : $"words='{string.Join(' ', value.Words)}'";

        static string Patterns(CommandSchema command, OptionSchema option) =>
            string.Join('|', Array.ConvertAll(option.Names, name => $"'{command.Name} {name}'"));
    }

    private static void Zsh(StringBuilder script, CommandSchema root)
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
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"                '{command.Name}:{Quote(command.Description)}'\n");
        }

        _ = script.Append($$"""
                        )
                        _describe command commands
                        compadd -- {{string.Join(' ', root.Options.ConvertAll(option => option.Name))}} ;;
                    arguments)
                        case $line[1] in

            """);
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"                {command.Name}) _arguments -s");
            foreach (OptionSchema option in (OptionSchema[])[.. command.Options, .. root.Options])
            {
                string value = option.IsFlag ? string.Empty : $":{ZshText(option.Placeholder)}:{ZshAction(option)}";
                string equals = option.IsFlag ? string.Empty : "=";
                foreach (string spelling in option.Names)
                {
                    string excluded = $"({string.Join(' ', option.Names)})";
                    string suffix = spelling.StartsWith("--", StringComparison.Ordinal) ? equals : string.Empty;
                    _ = script.Append($" \\\n                    '{excluded}{spelling}{suffix}[{ZshText(option.Description)}]{value}'");
                }
            }

            if (command.Argument is { } argument)
            {
                _ = script.Append($" \\\n                    '*:{ZshText(argument.Placeholder)}:{ZshAction(argument)}'");
            }

            _ = script.Append(" ;;\n");
        }

        _ = script.Append($$"""
                        esac ;;
                esac
            }
            if [ "$funcstack[1]" = "_{{name}}" ]; then _{{name}} "$@"; else compdef _{{name}} {{name}}; fi

            """);

        static string ZshAction(OptionSchema value) =>
            value.TakesFile ? "{compset -P \"*=\"; _files}" : value.Words.Length > 0 ? $"({string.Join(' ', value.Words)})" : " ";

        static string ZshText(string text) =>
            Quote(text).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)
                .Replace(":", "\\:", StringComparison.Ordinal);
    }

    private static void Fish(StringBuilder script, CommandSchema root)
    {
        string name = root.Name;
        _ = script.Append($"complete -c {name} -f\n");
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"complete -c {name} -n __fish_use_subcommand -a {command.Name} -d '{FishQuote(command.Description)}'\n");
        }

        foreach (OptionSchema option in root.Options)
        {
            FishOption(script, name, condition: null, option);
        }

        foreach (CommandSchema command in root.Subcommands)
        {
            string condition = $"__fish_seen_subcommand_from {command.Name}";
            foreach (OptionSchema option in command.Options)
            {
                FishOption(script, name, condition, option);
            }

            if (command.Argument is { } argument && (argument.TakesFile || argument.Words.Length > 0))
            {
                string offer = argument.TakesFile ? "-F" : $"-a '{string.Join(' ', argument.Words)}'";
                _ = script.Append($"complete -c {name} -n '{condition}' {offer}\n");
            }
        }
    }

    private static void FishOption(StringBuilder script, string name, string? condition, OptionSchema option)
    {
        _ = script.Append($"complete -c {name}");
        if (condition is not null)
        {
            _ = script.Append($" -n '{condition}'");
        }

        foreach (string spelling in option.Names)
        {
            _ = script.Append(spelling.StartsWith("--", StringComparison.Ordinal) ? $" -l {spelling[2..]}"
                : spelling.Length == 2 ? $" -s '{spelling[1..]}'" : $" -o '{spelling[1..]}'");
        }

        if (!option.IsFlag)
        {
            _ = script.Append(option.TakesFile ? " -r -F" : $" -x -a '{string.Join(' ', option.Words)}'");
        }

        _ = script.Append($" -d '{FishQuote(option.Description)}'\n");
    }

    private static void PowerShell(StringBuilder script, CommandSchema root)
    {
        string name = root.Name;
        _ = script.Append($$"""
            Register-ArgumentCompleter -Native -CommandName {{name}} -ScriptBlock {
                param($word, $ast, $position)
                $words = @{
                    '' = '{{WordsOf(root, root)}}'

            """);
        foreach (CommandSchema command in root.Subcommands)
        {
            _ = script.Append($"        '{command.Name}' = '{WordsOf(command, root)}'\n");
        }

        _ = script.Append("    }\n    $values = @{\n");
        foreach (CommandSchema command in root.Subcommands)
        {
            foreach (OptionSchema option in command.Options.FindAll(option => option.Words.Length > 0))
            {
                _ = script.Append($"        '{command.Name} {option.Name}' = '{string.Join(' ', option.Words)}'\n");
            }
        }

        var takers = new List<string>();
        foreach (CommandSchema command in root.Subcommands)
        {
            takers.AddRange(command.Argument is { TakesFile: true } ? [$"'{command.Name}'"] : []);
            foreach (OptionSchema option in command.Options.FindAll(option => option.TakesFile))
            {
                takers.AddRange(Array.ConvertAll(option.Names, spelling => $"'{command.Name} {spelling}'"));
            }
        }

        _ = script.Append($"    }}\n    $files = @({string.Join(", ", takers)})\n").Append("""
                $typed = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { "$_" })
                $command = $typed | Select-Object -Skip 1 | Where-Object { $words.ContainsKey($_) } | Select-Object -First 1
                $before, $start, $rest = $typed[-1], '', "$word"
                if ($word -match '^(-[^=]*)=(.*)$') { $before, $start, $rest = $Matches[1], "$($Matches[1])=", $Matches[2] }
                elseif ($word -match '^([^=]+=)(.*)$') { $start, $rest = $Matches[1], $Matches[2] }
                $key = "$command $before"
                $offer = if ($values.ContainsKey($key)) { $values[$key] } elseif ($start) { '' } else { $words["$command"] }
                $offer -split ' ' | Where-Object { $_ -and $_ -like "$rest*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new("$start$_", $_, 'ParameterValue', $_)
                }
                if ($files -contains $key -or ($files -contains $command -and -not $values.ContainsKey($key) -and $word -notlike '-*')) {
                    [System.Management.Automation.CompletionCompleters]::CompleteFilename($rest) | ForEach-Object {
                        $text = "$start$($_.CompletionText)"
                        [System.Management.Automation.CompletionResult]::new($text, $_.ListItemText, 'ParameterValue', $_.ToolTip)
                    }
                }
            }

            """);
    }

    /// <summary>Everything that may follow a command: commands, the words of its arguments, options.</summary>
    private static string WordsOf(CommandSchema command, CommandSchema root) => string.Join(' ',
    [
        .. command.Subcommands.ConvertAll(sub => sub.Name),
        .. command.Argument?.Words ?? [],
        .. (command == root ? [] : command.Options).ConvertAll(option => option.Name),
        .. root.Options.ConvertAll(option => option.Name),
    ]);

    private static string Quote(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);

    private static string FishQuote(string text) => text.Replace("'", "\\'", StringComparison.Ordinal);
}
