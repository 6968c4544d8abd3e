using System.Text;

namespace Poetry.Commands;

/// <summary>
/// Writes the manual page of a command from its declaration, in the source form of man(7). Lines are as wide as those of
/// help: mandoc(1) calls longer ones bad style.
/// </summary>
internal static class ManPage
{
    /// <summary>The backslash comes first, because the other escapes add backslashes.</summary>
    private static readonly (string Plain, string Escape)[] Escapes =
        [("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")];

    /// <summary>The page of a command, or of the program.</summary>
    public static string Of(CommandSchema command, CommandSchema root)
    {
        string name = command.FullName.Replace(' ', '-');
        var page = new StringBuilder();
        _ = page.Append($".TH {Escaped(name.ToUpperInvariant())} 1 {BuildFacts.Date} \"{root.Name} {BuildFacts.Version}\" \"User Commands\"\n");
        string[] parts = command.Description.Split([':', ';', '.'], 2);
        _ = page.Append($".SH NAME\n{Escaped(name)} \\- {Escaped(char.ToLowerInvariant(parts[0][0]) + parts[0][1..])}\n");
        _ = page.Append($".SH SYNOPSIS\n\\fB{Escaped(command.FullName)}\\fR {Escaped(Manual.Operands(command))}\n");
        AppendSentence(page.Append(".SH DESCRIPTION\n"), command.Description);
        foreach (ManualSection section in Manual.SectionsOf(command, root))
        {
            string title = section.Title == "Exit codes" ? "Exit status" : section.Title;
            _ = page.Append($".SH {title.ToUpperInvariant()}\n");
            foreach ((string term, string meaning) in section.Rows)
            {
                AppendSentence(page.Append($".TP\n\\fB{Escaped(term)}\\fR\n"), $"{meaning}.");
            }

            if (section.Note is not null)
            {
                AppendSentence(page.Append(".PP\n"), section.Note);
            }
        }

        _ = page.Append(".SH EXAMPLES\n");
        foreach ((string line, string meaning) in command.Examples)
        {
            _ = page.Append($".TP\n{Escaped(meaning)}:\n.EX\n{Escaped(line)}\n.EE\n");
        }

        CommandSchema[] others = Array.FindAll([root, .. root.Subcommands], other => other != command);
        string[] names = Array.ConvertAll(others, other => $"\\fB{Escaped(other.FullName.Replace(' ', '-'))}\\fR(1)");
        return page.Append($".SH SEE ALSO\n{string.Join(",\n", names)}\n").ToString();
    }

    private static void AppendSentence(StringBuilder page, string text) =>
        HelpText.AppendWrapped(page, string.Join(' ', Array.ConvertAll(text.Split(' '), Escaped)), at: 0, column: 0);

    /// <summary>Escapes a text for troff: a minus can be copied, quotes stay straight, and no line is a request.</summary>
    private static string Escaped(string text)
    {
        string prefix = text is ['.' or '\'', ..] ? "\\&" : string.Empty;
        foreach ((string plain, string escape) in Escapes)
        {
            text = text.Replace(plain, escape, StringComparison.Ordinal);
        }

        return prefix + text;
    }
}
