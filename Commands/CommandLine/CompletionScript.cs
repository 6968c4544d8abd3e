using System.Diagnostics;

namespace Poetry.Commands;

/// <summary>Writes the completion scripts of shells. The scripts only list the words that the commands declare.</summary>
internal static class CompletionScript
{
    public static string For(string shell, CommandSchema root) => shell switch
    {
        "bash" => Bash(root),
        "zsh" => Zsh(root),
        "fish" => Fish(root),
        "pwsh" => PowerShell(root),
        _ => throw new UnreachableException(shell),
    };

    private static string Bash(CommandSchema root)
    {
        return $$"""
            # bash completion for poetry
            _poetry() {
                local word=${COMP_WORDS[COMP_CWORD]} before= command= words= files= i
                if ((COMP_CWORD > 0)); then before=${COMP_WORDS[COMP_CWORD-1]}; fi
                # '=' is a word of its own: --progress=l is three.
                if [[ $word == '=' ]]; then word=; elif [[ $before == '=' ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in
                        {{string.Join('|', root.Subcommands.ConvertAll(command => command.Name))}}) command=${COMP_WORDS[i]}; break ;;
                    esac
                done
                case "$command $before" in
            {{LinesOfOptions(root, option => !option.IsFlag, ValueCase)}}
                    *) case "$command" in
                        '') words='{{WordsOf(root, root)}}' ;;
            {{Lines(root.Subcommands, CommandCase)}}
                    esac ;;
                esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                if [[ -n $files && $word != -* ]]; then
                    local IFS=$'\n'
                    COMPREPLY+=($(compgen -f -- "$word"))
                    compopt -o filenames 2>/dev/null
                fi
            }
            complete -F _poetry poetry

            """;

        string CommandCase(CommandSchema command)
        {
            string files = command.Argument is { TakesFile: true } ? "; files=1" : string.Empty;
            return $"            {command.Name}) words='{WordsOf(command, root)}'{files} ;;";
        }

        static string ValueCase(CommandSchema command, OptionSchema option)
        {
            string words = option.TakesFile ? "files=1" : $"words='{string.Join(' ', option.Words)}'";
            return $"        {string.Join('|', SpellingsOf(command, option))}) {words} ;;";
        }
    }

    private static string Zsh(CommandSchema root)
    {
        return $$"""
            #compdef poetry
            # zsh completion for poetry
            _poetry() {
                local curcontext="$curcontext" state line
                _arguments -C '1: :->command' '*:: :->arguments'
                case $state in
                    command)
                        local -a commands=(
            {{Lines(root.Subcommands, command => $"                '{command.Name}:{Quote(command.Description)}'")}}
                        )
                        _describe command commands
                        compadd -- {{string.Join(' ', root.Options.ConvertAll(option => option.Name))}} ;;
                    arguments)
                        case $line[1] in
            {{Lines(root.Subcommands, CommandCase)}}
                        esac ;;
                esac
            }
            if [ "$funcstack[1]" = "_poetry" ]; then _poetry "$@"; else compdef _poetry poetry; fi

            """;

        string CommandCase(CommandSchema command)
        {
            List<string> lines = [$"                {command.Name}) _arguments -s"];
            foreach (OptionSchema option in (OptionSchema[])[.. command.Options, .. root.Options])
            {
                lines.AddRange(Array.ConvertAll(option.Names, name => Specification(option, name)));
            }

            lines.AddRange(command.Argument is { } argument ? [$"'*:{Value(argument)}'"] : []);
            return string.Join(" \\\n                    ", lines) + " ;;";
        }

        static string Specification(OptionSchema option, string name)
        {
            string equals = !option.IsFlag && IsLong(name) ? "=" : string.Empty;
            string value = option.IsFlag ? string.Empty : $":{Value(option)}";
            return $"'({string.Join(' ', option.Names)}){name}{equals}[{Text(option.Description)}]{value}'";
        }

        static string Value(OptionSchema value)
        {
            string action = value.TakesFile ? "{compset -P \"*=\"; _files}"
                : value.Words.Length > 0 ? $"({string.Join(' ', value.Words)})"
                : " ";
            return $"{Text(value.Placeholder)}:{action}";
        }

        static string Text(string text) =>
            Quote(text).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)
                .Replace(":", "\\:", StringComparison.Ordinal);

        static string Quote(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);
    }

    private static string Fish(CommandSchema root)
    {
        return $"""
            # fish completion for poetry
            complete -c poetry -f
            {Lines(root.Subcommands, command => $"complete -c poetry -n __fish_use_subcommand -a {command.Name}{Meaning(command.Description)}")}
            {Lines(root.Options, option => Option(string.Empty, option))}
            {LinesOfOptions(root, option => true, (command, option) => Option(Condition(command), option))}
            {Lines(root.Subcommands.FindAll(command => command.Argument is { TakesFile: true } or { Words.Length: > 0 }), Argument)}

            """;

        static string Condition(CommandSchema command) => $" -n '__fish_seen_subcommand_from {command.Name}'";

        static string Argument(CommandSchema command) => $"complete -c poetry{Condition(command)}{Value(command.Argument!)}";

        static string Option(string condition, OptionSchema option)
        {
            string names = string.Concat(Array.ConvertAll(option.Names, Spelling));
            string value = option.IsFlag ? string.Empty : (option.TakesFile ? " -r" : " -x") + Value(option);
            return $"complete -c poetry{condition}{names}{value}{Meaning(option.Description)}";
        }

        static string Value(OptionSchema value) => value.TakesFile ? " -F" : $" -a '{string.Join(' ', value.Words)}'";

        static string Spelling(string name) => IsLong(name) ? $" -l {name[2..]}" : name.Length == 2 ? $" -s {name[1]}" : $" -o {name[1..]}";

        static string Meaning(string text) => $" -d '{text.Replace("'", "\\'", StringComparison.Ordinal)}'";
    }

    private static string PowerShell(CommandSchema root)
    {
        List<CommandSchema> takers = root.Subcommands.FindAll(command => command.Argument is { TakesFile: true });
        return $$"""
            # pwsh completion for poetry
            Register-ArgumentCompleter -Native -CommandName poetry -ScriptBlock {
                param($word, $ast, $position)
                $words = @{
                    '' = '{{WordsOf(root, root)}}'
            {{Lines(root.Subcommands, command => $"        '{command.Name}' = '{WordsOf(command, root)}'")}}
                }
                $values = @{
            {{LinesOfOptions(root, option => option.Words.Length > 0, Values)}}
                }
                $files = @(
            {{Lines(takers, command => $"        '{command.Name}'")}}
            {{LinesOfOptions(root, option => option.TakesFile, Files)}}
                )
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

            """;

        static string Files(CommandSchema command, OptionSchema option) => $"        {string.Join(", ", SpellingsOf(command, option))}";

        static string Values(CommandSchema command, OptionSchema option) =>
            $"        '{command.Name} {option.Name}' = '{string.Join(' ', option.Words)}'";
    }

    /// <summary>The words that may follow a command: commands, the words of its argument, options.</summary>
    private static string WordsOf(CommandSchema command, CommandSchema root) => string.Join(' ',
    [
        .. command.Subcommands.ConvertAll(sub => sub.Name),
        .. command.Argument?.Words ?? [],
        .. (command == root ? [] : command.Options).ConvertAll(option => option.Name),
        .. root.Options.ConvertAll(option => option.Name),
    ]);

    /// <summary>The keys under which the scripts look up an option: <c>'get -o'</c> and <c>'get --output'</c>.</summary>
    private static string[] SpellingsOf(CommandSchema command, OptionSchema option) =>
        Array.ConvertAll(option.Names, name => $"'{command.Name} {name}'");

    private static string Lines<T>(List<T> items, Converter<T, string> line) => string.Join('\n', items.ConvertAll(line));

    private static string LinesOfOptions(
        CommandSchema root, Predicate<OptionSchema> isListed, Func<CommandSchema, OptionSchema, string> line)
    {
        List<string> lines = [];
        root.Subcommands.ForEach(
            command => lines.AddRange(command.Options.FindAll(isListed).ConvertAll(option => line(command, option))));
        return string.Join('\n', lines);
    }

    private static bool IsLong(string name) => name.StartsWith("--", StringComparison.Ordinal);
}
