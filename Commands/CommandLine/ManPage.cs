using System;
using System.Text;

namespace Poetry.Commands;

/// <summary>Writes the manual page of a command from its declaration, in the source form of man(7).</summary>
internal static class ManPage
{
    /// <summary>The page of a command, or of the program.</summary>
    public static string Of(CommandSchema command, CommandSchema root)
    {
        string name = command.FullName.Replace(' ', '-');
        var page = new StringBuilder();
        _ = page.Append($".TH {Escaped(name.ToUpperInvariant())} 1 {BuildFacts.Date} \"{root.Name} {BuildFacts.Version}\" \"User Commands\"\n");
        _ = page.Append($".SH NAME\n{Escaped(name)} \\- {Escaped(Uncapitalized(command.Description).TrimEnd('.'))}\n");
        _ = page.Append($".SH SYNOPSIS\n\\fB{Escaped(command.FullName)}\\fR {Escaped(Manual.Operands(command))}\n");
        _ = page.Append($".SH DESCRIPTION\n{Escaped(command.Description)}\n");
        foreach (ManualSection section in Manual.SectionsOf(command, root))
        {
            string title = section.Title == "Exit codes" ? "Exit status" : section.Title;
            _ = page.Append($".SH {title.ToUpperInvariant()}\n");
            foreach ((string term, string meaning) in section.Rows)
            {
                _ = page.Append($".TP\n\\fB{Escaped(term)}\\fR\n{Escaped(meaning)}.\n");
            }

            if (section.Title == "Options" && command.Options.Count > 0)
            {
                _ = page.Append($".PP\n{Escaped(Manual.Quantities)}\n");
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

    private static string Uncapitalized(string text) => char.ToLowerInvariant(text[0]) + text[1..];

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
