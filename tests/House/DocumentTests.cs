using System.Text.RegularExpressions;

namespace Poetry.Tests.House;

/// <summary>What the documents say of the sources is so: the map agrees with the country.</summary>
[TestClass]
public sealed partial class DocumentTests
{
    [TestMethod]
    public void ALink_LeadsToAFile()
    {
        RuleTests.AssertNone(from source in Source.Read("*.md")
                             from Match link in Link().Matches(source.Text)
                             let target = link.Groups[1].Value
                             where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#')
                             let path = Path.Combine(Source.Root, Path.GetDirectoryName(source.Path) ?? "", target.Split('#')[0])
                             where !Path.Exists(path)
                             select $"{source.Path}: {target} does not exist");
    }

    /// <summary>A source or a folder named in backquotes is there; with its folder, if that is named too.</summary>
    [TestMethod]
    [DataRow("ARCHITECTURE.md")]
    [DataRow("README.md")]
    public void ADocument_NamesFilesThatExist(string document)
    {
        Source map = Source.Read(document).Single(source => source.Path == document);
        RuleTests.AssertNone(from Match match in FileName().Matches(map.Text)
                             let name = match.Groups[1].Value
                             where !name.StartsWith("dist/", StringComparison.Ordinal)
                             where !Path.Exists(Path.Combine(Source.Root, name))
                             where !Source.All.Any(source => source.Path.EndsWith($"/{name}", StringComparison.Ordinal))
                             select $"{map.Path}: {name} does not exist");
        Assert.IsTrue(FileName().IsMatch(map.Text), "there is something to look at");
    }

    /// <summary>Aim: no example that does not compile. Method: every block of code in README.md stands, line for line, in the
    /// examples that are compiled and run; except for `internal`, which only the tests need.</summary>
    [TestMethod]
    public void TheReadme_ShowsCodeThatIsRun()
    {
        string examples = Source.Read("ReadmeExamples.cs").Single().Text.Replace("protected internal", "protected", StringComparison.Ordinal);
        string compiled = Unindented(examples);
        Match[] blocks = [.. CodeBlock().Matches(Source.Read("README.md").Single(source => source.Path == "README.md").Text).Cast<Match>()];
        RuleTests.AssertNone(from block in blocks
                             let code = block.Groups[1].Value
                             where !compiled.Contains(Unindented(code), StringComparison.Ordinal)
                             select $"README.md: not in {nameof(Tutorial.ReadmeExamples)}:\n{code}");
        Assert.IsNotEmpty(blocks);
    }

    /// <summary>Every listing of the guide stands in tests/Guide, and every line of output shown is one that a test there
    /// expects.</summary>
    [TestMethod]
    public void TheGuide_ShowsCodeThatIsRun()
    {
        Source[] tests = [.. Source.All.Where(source => source.IsIn("tests/Guide"))];
        string compiled = string.Join('\n', tests.Select(source =>
            Unindented(source.Text
                .Replace("protected internal", "protected", StringComparison.Ordinal)
                .Replace("internal sealed class", "private sealed class", StringComparison.Ordinal))));
        Source[] pages = [.. Source.Read("*.md").Where(source => source.IsIn("docs/guide"))];
        RuleTests.AssertNone(from page in pages
                             from Match block in CodeBlock().Matches(page.Text)
                             let code = block.Groups[1].Value
                             where !compiled.Contains(Unindented(code), StringComparison.Ordinal)
                             select $"{page.Path}: not in tests/Guide:\n{code}");
        RuleTests.AssertNone(from page in pages
                             from Match block in OutputBlock().Matches(page.Text)
                             from line in block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                             where !compiled.Contains($"\"{line}\"", StringComparison.Ordinal)
                                 && !compiled.Contains($"{line}\\n", StringComparison.Ordinal)
                             select $"{page.Path}: no test expects the line: {line}");
        Assert.IsGreaterThan(12, pages.Length);
    }

    /// <summary>Cancelling does not stop every operation: who hands a deferred out says what it does. The functions that add
    /// to a chain give back what they were called on.</summary>
    [TestMethod]
    public void AMethodThatReturnsADeferred_SaysWhatCancellingItDoes()
    {
        (string Place, string Docs)[] methods = [.. from source in Source.Product
                                                    from Match match in DeferredMethod().Matches(source.Text)
                                                    where !match.Groups[2].Value.StartsWith("Add", StringComparison.Ordinal)
                                                    select ($"{source.Path}: {match.Groups[2].Value}", match.Groups[1].Value)];
        RuleTests.AssertNone(from method in methods
                             where !SaysOfCancelling().IsMatch(method.Docs)
                             select $"{method.Place} does not say what cancelling its deferred does");
        Assert.IsGreaterThan(40, methods.Length, "there is something to look at");
    }

    private static string Unindented(string code) => string.Join('\n', code.Split('\n').Select(line => line.Trim()));

    [GeneratedRegex("""\]\(([^)\s]+)\)""")]
    private static partial Regex Link();

    /// <summary>A path with a slash at its end or in it, or the name of a source.</summary>
    [GeneratedRegex("`((?:[A-Za-z.]+/)+[A-Za-z.]*|[A-Za-z.]+\\.(?:cs|sh|ps1|md|props|csproj|service))`")]
    private static partial Regex FileName();

    /// <summary>What stands above, and its name; of a type that is not within another.</summary>
    [GeneratedRegex(
        """((?:^    (?:///|\[).*\n)*)^    public (?:[a-z]+ )*Deferred(?:List|Dict)?(?:<.*>)?\?? (\w+)(?:<.*>)?\(""",
        RegexOptions.Multiline)]
    private static partial Regex DeferredMethod();

    [GeneratedRegex("""[Cc]ancel|As <see cref|\[Obsolete\(.*, error: true\)|<inheritdoc""")]
    private static partial Regex SaysOfCancelling();

    [GeneratedRegex("""^```text\n(.*?)^```$""", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex OutputBlock();

    [GeneratedRegex("""^```csharp\n(.*?)^```$""", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
