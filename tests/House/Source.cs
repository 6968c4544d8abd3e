using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Poetry.Tests.House;

/// <summary>A source file of the project, as the house rules read it.</summary>
/// <param name="Path">From the root of the project, with slashes.</param>
/// <param name="Text">All of it.</param>
internal sealed record Source(string Path, string Text)
{
    private readonly Lazy<string> _code = new(() => Blank(Text));

    /// <summary>Where the project is: known from where this file was compiled.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All C# files that are ours, tests included.</summary>
    public static IReadOnlyList<Source> All { get; } = [.. Read("*.cs")];

    /// <summary>What is compiled into the executable.</summary>
    public static IReadOnlyList<Source> Product { get; } = [.. All.Where(source => !source.IsTest)];

    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    /// <summary>The text with comments and the insides of strings blanked, so that what is found in it is code.</summary>
    public string Code => _code.Value;

    public string[] Lines => Text.Split('\n');

    public bool IsIn(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>The places where code holds a word, as an editor shows them.</summary>
    public IEnumerable<string> Find(string word)
    {
        for (int at = -1; (at = Code.IndexOf(word, at + 1, StringComparison.Ordinal)) >= 0;)
        {
            bool beginsInside = at > 0 && (char.IsLetterOrDigit(word[0]) || word[0] == '_') && IsWordCharacter(Code[at - 1]);
            if (!beginsInside)
            {
                int line = Code.AsSpan(0, at).Count('\n') + 1;
                yield return string.Create(CultureInfo.InvariantCulture, $"{Path}:{line}");
            }
        }
    }

    /// <summary>All files of a kind, except build output.</summary>
    public static IEnumerable<Source> Read(string pattern) =>
        from path in Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
        let name = System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/')
        where name.Split('/')[0] is not ("artifacts" or "dist" or ".git")
        orderby name
        select new Source(name, File.ReadAllText(path));

    private static bool IsWordCharacter(char c) => char.IsLetterOrDigit(c) || c is '_' or '.';

    private static string FindRoot([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(here, "..", "..", ".."));

    /// <summary>
    /// Small, not complete: comments, strings of one line, verbatim and raw strings, and characters. The holes of
    /// interpolated strings are blanked with them.
    /// </summary>
    private static string Blank(string text)
    {
        var code = new StringBuilder(text);
        for (int at = 0; at < text.Length;)
        {
            int end = EndOfToken(text, at);
            if (end == at)
            {
                at++;
                continue;
            }

            for (int i = at; i < end; i++)
            {
                code[i] = text[i] == '\n' ? '\n' : ' ';
            }

            at = end;
        }

        return code.ToString();
    }

    /// <summary>Where the comment, string or character that begins here ends; or here, if none does.</summary>
    private static int EndOfToken(string text, int at)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        if (rest.StartsWith("//"))
        {
            return EndOf(text, "\n", at);
        }

        if (rest.StartsWith("/*"))
        {
            return EndOf(text, "*/", at + 2) + 2;
        }

        if (rest.StartsWith("\"\"\""))
        {
            int quotes = rest.IndexOfAnyExcept('"');
            return EndOf(text, new string('"', quotes), at + quotes) + quotes;
        }

        if (rest[0] is '"' or '\'')
        {
            bool isVerbatim = at > 0 && (text[at - 1] == '@' || (text[at - 1] == '$' && at > 1 && text[at - 2] == '@'));
            return isVerbatim ? EndOfVerbatim(text, at + 1) : EndOfString(text, at + 1, rest[0]);
        }

        return at;
    }

    private static int EndOf(string text, string mark, int from)
    {
        int end = text.IndexOf(mark, Math.Min(from, text.Length), StringComparison.Ordinal);
        return end < 0 ? text.Length - (mark.Length > 1 ? mark.Length : 0) : end;
    }

    private static int EndOfString(string text, int at, char quote)
    {
        for (; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == quote)
            {
                return at + 1;
            }
        }

        return Math.Min(at, text.Length);
    }

    private static int EndOfVerbatim(string text, int at)
    {
        while (at < text.Length)
        {
            if (text[at++] != '"')
            {
                continue;
            }

            if (at >= text.Length || text[at] != '"')
            {
                return at;
            }

            at++;
        }

        return text.Length;
    }
}
