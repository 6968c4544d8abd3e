using System;
using System.Collections.Generic;
using System.Text;

namespace Poetry.Commands;

/// <summary>Writes the help of a command from its declaration, 80 columns wide.</summary>
internal static class HelpText
{
    private const int Width = 80;
    private const string Indent = "  ";

    /// <summary>The widest first column: what is longer has its meaning below it.</summary>
    private const int MaxNameWidth = 28;

    /// <summary>All there is to say of a command.</summary>
    public static string Of(CommandSchema command, CommandSchema root)
    {
        var text = new StringBuilder();
        _ = text.Append("Usage: ").Append(Usage(command)).Append("\n\n").Append(command.Description).Append('\n');
        var rows = new List<(string Name, string Meaning)>();
        if (command.Argument is { } argument)
        {
            rows.Add((argument.Placeholder, argument.Description));
        }

        AppendTable(text, "Arguments", rows);
        AppendTable(text, "Commands", command.Subcommands.ConvertAll(sub => (sub.Name, sub.Description)));
        rows.Clear();
        foreach (OptionSchema option in command == root ? root.Options : [.. command.Options, .. root.Options])
        {
            rows.Add((NamesOf(option), MeaningOf(option)));
        }

        AppendTable(text, "Options", rows);
        if (command.Options.Count > 0 && command != root)
        {
            _ = text.Append("\nTimes are seconds or as 500ms, 1m30s, 2h; sizes are bytes or as 64KiB, 1MiB.\n");
        }

        _ = text.Append("\nExamples:\n");
        foreach ((string line, string meaning) in command.Examples)
        {
            _ = text.Append(Indent).Append("# ").Append(meaning).Append('\n').Append(Indent).Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static string Usage(CommandSchema command)
    {
        string usage = command.FullName + (command.Subcommands.Count > 0 ? " COMMAND" : string.Empty) + " [OPTIONS]";
        return command.Argument is { } argument ? $"{usage} {argument.Placeholder}..." : usage;
    }

    private static string NamesOf(OptionSchema option)
    {
        string names = string.Join(", ", option.Names);
        return option.IsFlag ? names : $"{names} {option.Placeholder}";
    }

    private static string MeaningOf(OptionSchema option) =>
        option.Default is null ? option.Description : $"{option.Description} (default: {option.Default})";

    private static void AppendTable(StringBuilder text, string title, List<(string Name, string Meaning)> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        int column = 0;
        foreach ((string name, _) in rows)
        {
            column = name.Length <= MaxNameWidth ? Math.Max(column, name.Length) : column;
        }

        column = (column == 0 ? MaxNameWidth : column) + (2 * Indent.Length);
        _ = text.Append('\n').Append(title).Append(":\n");
        foreach ((string name, string meaning) in rows)
        {
            _ = text.Append(Indent).Append(name);
            int at = Indent.Length + name.Length;
            if (at + Indent.Length > column)
            {
                _ = text.Append('\n');
                at = 0;
            }

            AppendWrapped(text, meaning, at, column);
        }
    }

    /// <summary>Appends words from a column on, and goes on below it when a line is full.</summary>
    private static void AppendWrapped(StringBuilder text, string meaning, int at, int column)
    {
        bool isFirst = true;
        foreach (Range range in meaning.AsSpan().Split(' '))
        {
            ReadOnlySpan<char> word = meaning.AsSpan()[range];
            if (!isFirst && at + 1 + word.Length > Width)
            {
                _ = text.Append('\n');
                at = 0;
            }

            if (at < column)
            {
                _ = text.Append(' ', column - at);
                at = column;
            }
            else
            {
                _ = text.Append(' ');
                at++;
            }

            _ = text.Append(word);
            at += word.Length;
            isFirst = false;
        }

        _ = text.Append('\n');
    }
}
