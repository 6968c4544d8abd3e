using System.Text;

namespace Poetry.Commands;

/// <summary>Writes the help of a command from its declaration, 80 columns wide.</summary>
internal static class HelpText
{
    private const int Width = 80;
    private const string Indent = "  ";

    /// <summary>The maximum width of the first column; the meaning of a longer name begins on the next line.</summary>
    private const int MaxNameWidth = 28;

    /// <summary>The complete help of a command.</summary>
    public static string Of(CommandSchema command, CommandSchema root)
    {
        var text = new StringBuilder();
        _ = text.Append($"Usage: {command.FullName} {Manual.Operands(command)}\n\n{command.Description}\n");
        foreach (ManualSection section in Manual.SectionsOf(command, root))
        {
            AppendTable(text, section);
            _ = text.Append(section.Note is null ? string.Empty : $"\n{section.Note}\n");
        }

        _ = text.Append("\nExamples:\n");
        foreach ((string line, string meaning) in command.Examples)
        {
            _ = text.Append($"{Indent}# {meaning}\n{Indent}{line}\n");
        }

        return text.ToString();
    }

    /// <summary>Appends words from a column on. When a line is full, the next one begins in the same column.</summary>
    /// <param name="text">The text to append to; its last line may be incomplete.</param>
    /// <param name="words">Separated by spaces.</param>
    /// <param name="at">The length of the last line; not more than <paramref name="column"/>.</param>
    /// <param name="column">The column in which the words begin in every line.</param>
    public static void AppendWrapped(StringBuilder text, string words, int at, int column)
    {
        foreach (string word in words.Split(' '))
        {
            if (at > column && at + 1 + word.Length > Width)
            {
                _ = text.Append('\n');
                at = 0;
            }

            int gap = at > column ? 1 : column - at;
            _ = text.Append(' ', gap).Append(word);
            at += gap + word.Length;
        }

        _ = text.Append('\n');
    }

    private static void AppendTable(StringBuilder text, ManualSection section)
    {
        int column = 0;
        foreach ((string name, _) in section.Rows)
        {
            column = name.Length <= MaxNameWidth ? Math.Max(column, name.Length) : column;
        }

        column = (column == 0 ? MaxNameWidth : column) + (2 * Indent.Length);
        _ = text.Append($"\n{section.Title}:\n");
        foreach ((string name, string meaning) in section.Rows)
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
}
