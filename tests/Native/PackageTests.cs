using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Poetry.Tests.House;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The package, as a programmer outside uses it.</summary>
[TestClass]
public sealed partial class PackageTests : NativeTests
{
    private const int PatienceMs = 600_000;

    private const string Project = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <PublishAot>true</PublishAot>
            <InvariantGlobalization>true</InvariantGlobalization>
            <RestorePackagesPath>$(MSBuildProjectDirectory)/packages</RestorePackagesPath>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Poetry.Net" Version="*" />
            <PackageReference Include="MSTest.TestFramework" Version="*" />
            <Using Include="Poetry.Net.Testing.ManualClock" Alias="ManualClock" />
            <Using Include="Microsoft.VisualStudio.TestTools.UnitTesting" />
          </ItemGroup>
        </Project>
        """;

    /// <summary>
    /// Aim: the package works outside of this repository, and does nothing to it. Method: a new project in another folder
    /// restores it, compiles the program of its readme and the listings of the guide with warnings as errors, is published
    /// natively and serves a poem.
    /// </summary>
    [TestMethod]
    public void Package_InANewProjectOutside_IsPublishedAndServes()
    {
        string before = Git("status", "--porcelain");
        string app = Directory.CreateDirectory(Folder["app"]).FullName;
        _ = Run(Source.Root, "dotnet", "pack", "package/Poetry.Net.csproj", "-c", "Release", "-o", Folder["feed"], "-v:quiet",
            "-p:UseSharedCompilation=false");
        Assert.HasCount(2, Directory.GetFiles(Folder["feed"], "Poetry.Net.*nupkg"), "the package and its symbols");
        File.WriteAllText(Path.Combine(app, "app.csproj"), Project);
        File.WriteAllText(Path.Combine(app, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="feed" value="{Folder["feed"]}" /></packageSources>
              <fallbackPackageFolders><add key="cache" value="{PackageCache}" /></fallbackPackageFolders>
            </configuration>
            """);
        string readme = File.ReadAllText(Path.Combine(Source.Root, "package", "README.nuget.md"));
        string program = CodeBlock().Match(readme).Groups[1].Value;
        StringAssert.Contains(program, "ListenTcp(10000,");
        File.WriteAllText(Path.Combine(app, "Program.cs"), program.Replace("(10000,", "(0,", StringComparison.Ordinal));
        foreach (string source in GuideSources)
        {
            // Outside of the library an override of a "protected internal" member is "protected".
            File.WriteAllText(Path.Combine(app, Path.GetFileName(source)),
                File.ReadAllText(source).Replace("protected internal override", "protected override", StringComparison.Ordinal));
        }

        _ = Run(app, "dotnet", "publish", "-r", RuntimeInformation.RuntimeIdentifier, "-o", "out", "-v:quiet",
            "-p:UseSharedCompilation=false", "-p:CppCompilerAndLinker=gcc");
        Assert.AreEqual(before, Git("status", "--porcelain"), "the checkout is as it was");
        AssertServes(Path.Combine(app, "out", "app"));
    }

    /// <summary>The listings of the guide, and what their tests build on; not page 13, whose test starts a server.</summary>
    private static string[] GuideSources =>
    [
        .. Directory.GetFiles(Path.Combine(Source.Root, "tests", "Guide")).Where(path => !path.EndsWith("13.cs", StringComparison.Ordinal)),
        .. ((string[])["Tutorial/TutorialExample.cs", "Testing/LostFailures.cs", "Testing/GlobalUsings.cs"])
            .Select(file => Path.Combine(Source.Root, "tests", file)),
    ];

    private static string PackageCache => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static void AssertServes(string executable)
    {
        using System.Diagnostics.Process process = ToolRun.Start(Path.GetDirectoryName(executable)!, executable);
        try
        {
            string? line = process.StandardOutput.ReadLine();
            StringAssert.Matches(line, ServingLine());
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, int.Parse(ServingLine().Match(line!).Groups[1].Value, provider: null));
            using var reader = new StreamReader(client.GetStream());
            Assert.AreEqual("If the whole world was on fire,\n", reader.ReadToEnd());
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    private static string Git(params string[] arguments) => Run(Source.Root, ["git", .. arguments]);

    private static string Run(string folder, params string[] command)
    {
        Finished finished = ToolRun.Run(folder, PatienceMs, command);
        string output = System.Text.Encoding.UTF8.GetString(finished.Bytes);
        Assert.AreEqual(0, finished.ExitCode, $"{string.Join(' ', command)}\n{output}\n{finished.Errors}");
        return output;
    }

    [GeneratedRegex("```csharp\\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("^Serving on 127\\.0\\.0\\.1:([0-9]+)\\.$")]
    private static partial Regex ServingLine();
}
