using System;
using System.Runtime.InteropServices;

namespace Poetry.Commands;

/// <summary>What <c>--version</c> prints: the version, the commit it was built from, the system it runs on.</summary>
internal static class VersionText
{
    /// <summary>One line; an object of JSON if wanted.</summary>
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
