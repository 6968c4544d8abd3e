using System.Text.RegularExpressions;

namespace Poetry.Tests.House;

/// <summary>Plain technical English in sources, scripts and documents: words and phrases that make a reader stop.</summary>
[TestClass]
public sealed partial class ProseTests
{
    private static readonly string[] Kinds =
    [
        "*.cs", "*.md", "*.sh", "*.ps1", "*.csproj", "*.props", "*.c", "*.py", "*.service", "*.socket", "run", "demo", "nginx_poem",
        ".editorconfig",
    ];

    /// <summary>Where a word is quoted or means something else, and why.</summary>
    private static readonly (string File, string Word, string Why)[] Allowed =
    [
        ("tests/House/ProseTests.cs", "", "the list itself"),
        ("THIRD-PARTY-NOTICES", "", "the words of the licences"),
    ];

    [TestMethod]
    public void Prose_IsPlain()
    {
        RuleTests.AssertNone(from kind in Kinds
                             from source in Source.Read(kind)
                             from line in source.Lines.Select((text, index) => (Number: index + 1, Text: text))
                             from Match word in Literary().Matches(line.Text)
                             where !Array.Exists(Allowed, allowed => source.Path.StartsWith(allowed.File, StringComparison.Ordinal)
                                 && word.Value.Contains(allowed.Word, StringComparison.OrdinalIgnoreCase))
                             select $"{source.Path}:{line.Number}: \"{word.Value}\" (see CONTRIBUTING.md): {line.Text.Trim()}");
    }

    /// <summary>A boolean is documented by a statement ("True if …"), not by a question.</summary>
    [TestMethod]
    public void ASummary_IsNoQuestion()
    {
        RuleTests.AssertNone(from source in Source.All
                             from line in source.Lines.Select((text, index) => (Number: index + 1, Text: text))
                             where Question().IsMatch(line.Text)
                             select $"{source.Path}:{line.Number}: {line.Text.Trim()}");
    }

    /// <summary>
    /// The docs of a member name the thing first ("The length in bytes", "Reads …", "True if …"), and are no fragment that
    /// only makes sense together with its tag ("Of the poem.", "How it travels.").
    /// </summary>
    [TestMethod]
    public void Docs_NameTheThing()
    {
        RuleTests.AssertNone(from source in Source.Product
                             from Match fragment in Fragment().Matches(string.Join('\n', source.Lines))
                             select $"{source.Path}: {fragment.Value.Trim()}");
    }

    /// <summary>One dialect for limits: Max and Min, as in .NET.</summary>
    [TestMethod]
    public void ALimit_IsMaxOrMin()
    {
        RuleTests.AssertNone(from source in Source.Product
                             from line in source.Code.Split('\n').Select((text, index) => (Number: index + 1, Text: text))
                             where OtherLimit().IsMatch(line.Text)
                             select $"{source.Path}:{line.Number}: {line.Text.Trim()}");
    }

    [GeneratedRegex(
        """\b(whoever|somebody|nobody|anybody|in vain|shown out|those who|but for|whom|who (asks|comes|joins))\b|(?-i:\bThose that\b)""",
        RegexOptions.IgnoreCase)]
    private static partial Regex Literary();

    [GeneratedRegex("""^\s*/// (?:<summary>)?[^.]*\?(?:</summary>)?$""")]
    private static partial Regex Question();

    [GeneratedRegex(
        """
        ^\s*///\s.*<(
          summary>(\s*///)?\s*(What|How|Who|When|Where|Whether|Those|Everything|All\sthere|Of|As\s[^<]|For|Was|Has|Is|So\s|Until|With|By|To)
        | (param\sname="[^"]*"|returns)>
          (What|How|Who|When|Where|Whether|Those|Everything|Of|As\s[^<]|For|With|In|From|To|By|Was|Has|Is|So\s|Until|Not|Also)
        )\b.*$
        """,
        RegexOptions.Multiline | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Fragment();

    [GeneratedRegex("""\b(const|static readonly)\b.*\b(Most|Least|Longest|Shortest|Smallest|Largest)[A-Z]\w*\s*=""")]
    private static partial Regex OtherLimit();
}
