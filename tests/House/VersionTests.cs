using Poetry.Commands;

namespace Poetry.Tests.House;

/// <summary>The version stands in one place, and the change log knows it.</summary>
[TestClass]
public sealed class VersionTests
{
    [TestMethod]
    public void TheVersion_StandsInOnePlace()
    {
        string[] places = [.. from pattern in new[] { "*.csproj", "*.props", "*.targets" }
                              from source in Source.Read(pattern)
                              where source.Text.Contains("<Version>", StringComparison.Ordinal)
                                  || source.Text.Contains("<PackageVersion>", StringComparison.Ordinal)
                              select source.Path];
        CollectionAssert.AreEqual((string[])["Directory.Build.props"], places);
        StringAssert.Contains(File.ReadAllText(Path.Combine(Source.Root, places[0])), $"<Version>{BuildFacts.Version}</Version>");
    }

    [TestMethod]
    public void TheChangeLog_KnowsTheVersion() =>
        StringAssert.Contains(File.ReadAllText(Path.Combine(Source.Root, "CHANGELOG.md")), $"\n## {BuildFacts.Version}");
}
