using System.Runtime.InteropServices;

namespace Poetry.Commands;

/// <summary>The output of <c>--version</c>: the version, the commit it was built from, and the system it runs on.</summary>
internal static class VersionText
{
    /// <summary>One line of text, or a JSON object in one line.</summary>
    public static string Of(bool asJson)
    {
        string runtime = RuntimeInformation.RuntimeIdentifier;
        return asJson
            ? $"{{{Member("name", "poetry")},{Member("version", BuildFacts.Version)},{Member("commit", BuildFacts.Commit)},"
                + $"{Member("runtime", runtime)},{Member("dotnet", Environment.Version.ToString())}}}\n"
            : $"poetry {BuildFacts.Version} (commit {BuildFacts.Commit}, {runtime}, .NET {Environment.Version})\n";
    }

    private static string Member(string name, string value) => $"\"{name}\":\"{value}\"";
}
