using System.Text;

namespace Poetry.Commands;

/// <summary>Writes the manual page of a command from its declaration, in the source form of man(7).</summary>
internal static class ManPage
{
    /// <summary>Lines of the source are no longer: mandoc(1) calls that bad style.</summary>
    private const int MaxColumn = 80;

    /// <summary>The page of a command, or of the program.</summary>
    public static string Of(CommandSchema command, CommandSchema root)
    {
        string name = command.FullName.Replace(' ', '-');
        var page = new StringBuilder();
        _ = page.Append($".TH {Escaped(name.ToUpperInvariant())} 1 {BuildFacts.Date} \"{root.Name} {BuildFacts.Version}\" \"User Commands\"\n");
        string[] parts = command.Description.Split([':', ';', '.'], 2);
        _ = page.Append($".SH NAME\n{Escaped(name)} \\- {Escaped(char.ToLowerInvariant(parts[0][0]) + parts[0][1..])}\n");
        _ = page.Append($".SH SYNOPSIS\n\\fB{Escaped(command.FullName)}\\fR {Escaped(Manual.Operands(command))}\n");
        _ = page.Append($".SH DESCRIPTION\n{Wrapped(command.Description)}\n");
        foreach (ManualSection section in Manual.SectionsOf(command, root))
        {
            string title = section.Title == "Exit codes" ? "Exit status" : section.Title;
            _ = page.Append($".SH {title.ToUpperInvariant()}\n");
            foreach ((string term, string meaning) in section.Rows)
            {
                _ = page.Append($".TP\n\\fB{Escaped(term)}\\fR\n{Wrapped(meaning)}.\n");
            }

            if (section.Title == "Options" && Manual.HasQuantities(command))
            {
                _ = page.Append($".PP\n{Wrapped(Manual.Quantities)}\n");
            }
        }

        _ = page.Append(".SH EXAMPLES\n");
        foreach ((string line, string meaning) in command.Examples)
        {
            _ = page.Append($".TP\n{Escaped(meaning)}:\n.EX\n{Escaped(line)}\n.EE\n");
        }

        _ = page.Append(".SH SEE ALSO\n");
        string separator = string.Empty;
        foreach (CommandSchema other in (CommandSchema[])[root, .. root.Subcommands])
        {
            if (other != command)
            {
                _ = page.Append($"{separator}\\fB{Escaped(other.FullName.Replace(' ', '-'))}\\fR(1)");
                separator = ",\n";
            }
        }

        return page.Append('\n').ToString();
    }

    /// <summary>Escaped text in lines of at most 80 bytes.</summary>
    private static string Wrapped(string text)
    {
        var lines = new StringBuilder();
        int column = 0;
        foreach (string word in text.Split(' '))
        {
            string escaped = Escaped(word);
            bool fits = column == 0 || column + 1 + escaped.Length < MaxColumn;
            _ = lines.Append(column == 0 ? string.Empty : fits ? " " : "\n").Append(escaped);
            column = fits && column > 0 ? column + 1 + escaped.Length : escaped.Length;
        }

        return lines.ToString();
    }

    /// <summary>Text as troff prints it: a minus can be copied, quotes stay straight, no line is a request.</summary>
    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text is ['.' or '\'', ..] ? "\\&" : string.Empty);
        foreach (char c in text)
        {
            _ = c switch
            {
                '\\' => escaped.Append("\\e"),
                '-' => escaped.Append("\\-"),
                '\'' => escaped.Append("\\(aq"),
                '`' => escaped.Append("\\(ga"),
                '^' => escaped.Append("\\(ha"),
                '~' => escaped.Append("\\(ti"),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }
}
