using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Poetry.Commands;
using Poetry.Tests.House;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What release/make packs, installed, used and removed. The packages are made once for all tests.</summary>
[TestClass]
public sealed partial class ReleaseTests : NativeTests
{
    private static TemporaryFolder? s_packages;

    private static string Packages => s_packages!.Path;

    [ClassInitialize]
    public static void MakePackages(TestContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        s_packages = new TemporaryFolder();
        _ = Succeed(Source.Root, Path.Combine(Source.Root, "release", "make"), NativeBinary.Path, Packages);
    }

    [ClassCleanup]
    public static void RemovePackages() => s_packages?.Dispose();

    /// <summary>
    /// Aim: the package installs, works and leaves nothing. Method: dpkg installs it into an empty root; the program runs
    /// there in a chroot, by the command of its unit; then it is removed, and purged.
    /// </summary>
    [TestMethod]
    public void TheDeb_InAnEmptyRoot_ServesAndIsRemovedCleanly()
    {
        string root = EmptyRoot("var/lib/dpkg/info", "var/lib/dpkg/updates");
        File.WriteAllText(Path.Combine(root, "var/lib/dpkg/status"), string.Empty);
        Dpkg(root, "--install", Only("*.deb"));
        AssertInstalled(root);

        string list = Path.Combine(root, "etc/poetry/poetry.poems");
        StringAssert.Contains(File.ReadAllText(list), "\n10001=/usr/share/poetry/ecstasy.txt\n");
        File.AppendAllText(list, "0=/usr/share/poetry/vigilia.txt\n");
        File.WriteAllText(list, File.ReadAllText(list).Replace("10001=", "0=", StringComparison.Ordinal));
        string[] libraries = CopyLibraries(root);
        AssertServes(root);

        foreach (string library in libraries)
        {
            File.Delete(library);
        }

        Dpkg(root, "--remove", "poetry-server");
        CollectionAssert.AreEqual((string[])[list], FilesOf(root), "a list that was changed stays");
        Dpkg(root, "--purge", "poetry-server");
        Assert.IsEmpty(FilesOf(root));
        Assert.IsFalse(Directory.Exists(Path.Combine(root, "etc/poetry")));
    }

    [TestMethod]
    public void Lintian_FindsNoErrorInTheDeb() =>
        _ = Succeed(Folder.Path, Posix.Tool("lintian"), "--allow-root", "--fail-on", "error", Only("*.deb"));

    [TestMethod]
    public void TheRpm_InAnEmptyRoot_IsInstalledAndRemovedCleanly()
    {
        _ = Posix.Tool("rpmbuild");
        string rpm = Posix.Tool("rpm");
        string root = EmptyRoot();
        string[] options = ["--root", root, "--dbpath", "/var/lib/rpm", "--nodeps", "--noscripts"];
        _ = Succeed(root, [rpm, .. options, "--install", Only("*.rpm")]);
        AssertInstalled(root);
        StringAssert.Contains(Succeed(root, rpm, "--query", "--package", "--requires", Only("*.rpm")), "libc.so.6(GLIBC_2.");
        _ = Succeed(root, [rpm, .. options, "--erase", "poetry-server"]);
        Assert.IsEmpty(FilesOf(root));
    }

    [TestMethod]
    public void TheTarball_Unpacked_RunsAndHasTheSumsOfItsFiles()
    {
        _ = Succeed(Folder.Path, "tar", "-xzf", Only("*.tar.gz"), "--strip-components=1");
        _ = Succeed(Folder.Path, "sha256sum", "--check", "--strict", "share/doc/poetry/SHA256SUMS");
        string listed = File.ReadAllText(Folder["share/doc/poetry/SHA256SUMS"]);
        string[] files = Directory.GetFiles(Folder.Path, "*", SearchOption.AllDirectories);
        Assert.HasCount(files.Length - 1, listed.TrimEnd('\n').Split('\n'), "all files but the sums have one");
        AssertVersion(Folder["bin/poetry"]);
        AssertDocuments(Folder["share/doc/poetry"]);
        StringAssert.Contains(File.ReadAllText(Folder["lib/systemd/system/poetry.service"]), "ExecStart=/usr/local/bin/poetry ");
        CollectionAssert.AreEqual(
            File.ReadAllBytes(Path.Combine(Source.Root, "THIRD-PARTY-NOTICES")),
            File.ReadAllBytes(Folder["share/doc/poetry/THIRD-PARTY-NOTICES"]));
    }

    /// <summary>Every package of the lock file with its version and hash, and what the native compiler links.</summary>
    [TestMethod]
    public void TheBillOfMaterials_ListsWhatIsLinked()
    {
        using JsonDocument bill = Read(Only("*.cdx.json"));
        JsonElement program = bill.RootElement.GetProperty("metadata").GetProperty("component");
        Assert.AreEqual(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(NativeBinary.Path))), HashOf(program));
        Assert.AreEqual(BuildFacts.Version, program.GetProperty("version").GetString());
        Dictionary<string, JsonElement> components = bill.RootElement.GetProperty("components").EnumerateArray()
            .ToDictionary(component => component.GetProperty("name").GetString()!);
        string rid = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
        using JsonDocument locked = Read(Path.Combine(Source.Root, $"packages.{rid}.lock.json"));
        foreach (JsonProperty package in locked.RootElement.GetProperty("dependencies").EnumerateObject()
            .SelectMany(target => target.Value.EnumerateObject()))
        {
            JsonElement component = components[package.Name];
            Assert.AreEqual(package.Value.GetProperty("resolved").GetString(), component.GetProperty("version").GetString());
            byte[] hash = Convert.FromBase64String(package.Value.GetProperty("contentHash").GetString()!);
            Assert.AreEqual(Convert.ToHexStringLower(hash), HashOf(component));
        }

        const int HexDigitsOfSha512 = 128;
        JsonElement runtime = components[$"Microsoft.NETCore.App.Runtime.NativeAOT.{rid}"];
        Assert.AreEqual(Environment.Version.ToString(), runtime.GetProperty("version").GetString(), "the runtime that is linked");
        Assert.AreEqual(HexDigitsOfSha512, HashOf(runtime).Length);
        CollectionAssert.IsSubsetOf(
            (string[])["ConsoleAppFramework", "ZLogger", "Utf8StringInterpolation", $"runtime.{rid}.Microsoft.DotNet.ILCompiler"],
            components.Keys);
        Assert.IsEmpty(components.Values.Where(component => LicenceOf(component) != "MIT"), "another licence needs its notice");
    }

    private static void AssertInstalled(string root)
    {
        AssertVersion(Path.Combine(root, "usr/bin/poetry"));
        string pages = Path.Combine(root, "usr/share/man/man1");
        string[] wanted = [.. CommandLine.Root.Subcommands.Select(command => $"poetry-{command.Name}.1.gz"), "poetry.1.gz"];
        CollectionAssert.AreEquivalent(wanted, Array.ConvertAll(Directory.GetFiles(pages), Path.GetFileName));
        foreach (string page in Posix.FindTool("mandoc") is null ? [] : Directory.GetFiles(pages))
        {
            StringAssert.Contains(Succeed(root, "mandoc", page), BuildFacts.Version);
        }

        AssertParses(root, "bash", "bash-completion/completions/poetry");
        AssertParses(root, "fish", "fish/vendor_completions.d/poetry.fish");
        AssertParses(root, "zsh", Directory.Exists(Path.Combine(root, "usr/share/zsh/vendor-completions"))
            ? "zsh/vendor-completions/_poetry" : "zsh/site-functions/_poetry");
        string[] units = Directory.GetFiles(Path.Combine(root, "usr/lib/systemd/system"));
        CollectionAssert.AreEquivalent(
            (string[])["poetry.service", "poetry.socket", "poetry@.service"], Array.ConvertAll(units, Path.GetFileName));
        Assert.IsEmpty(units.Where(unit => File.ReadAllText(unit).Contains("/usr/local/", StringComparison.Ordinal)));
        AssertDocuments(Path.Combine(root, "usr/share/doc/poetry-server"));
    }

    /// <summary>The documents are there, and every link in them leads to a file.</summary>
    private static void AssertDocuments(string folder)
    {
        CollectionAssert.IsSubsetOf(
            (string[])["README.md", "CHANGELOG.md", "docs/handbook.md", "docs/log-events.md", "docs/progress-json.md", "docs/guide/README.md"],
            Array.ConvertAll(Directory.GetFiles(folder, "*.md", SearchOption.AllDirectories), path => Path.GetRelativePath(folder, path)));
        string[] broken = [.. from path in Directory.GetFiles(folder, "*.md", SearchOption.AllDirectories)
                              from Match link in Link().Matches(File.ReadAllText(path))
                              let target = Path.Combine(Path.GetDirectoryName(path)!, link.Groups[1].Value)
                              where !Path.Exists(target)
                              select $"{path}: {link.Groups[1].Value}"];
        Assert.IsEmpty(broken, string.Join('\n', broken));
    }

    private static void AssertVersion(string executable) =>
        StringAssert.StartsWith(Succeed(Path.GetDirectoryName(executable)!, executable, "--version"), $"poetry {BuildFacts.Version} (");

    private static void AssertParses(string root, string shell, string script)
    {
        if (Posix.FindTool(shell) is { } path)
        {
            _ = Succeed(root, path, "-n", Path.Combine(root, "usr/share", script));
        }
    }

    /// <summary>The command of the unit, with systemd's part played by chroot.</summary>
    private void AssertServes(string root)
    {
        const string Command = "ExecStart=";
        string unit = File.ReadLines(Path.Combine(root, "usr/lib/systemd/system/poetry.service"))
            .Single(line => line.StartsWith(Command, StringComparison.Ordinal));
        string[] words = [.. unit[Command.Length..].Split(' ').Where(word => word != "$POETRY_OPTIONS")];
        using System.Diagnostics.Process server = ToolRun.Start(root, [Posix.Tool("chroot"), root, .. words]);
        try
        {
            foreach (string poem in (string[])["ecstasy.txt", "vigilia.txt"])
            {
                string ready = server.StandardOutput.ReadLine() ?? server.StandardError.ReadToEnd();
                StringAssert.StartsWith(ready, $"Serving /usr/share/poetry/{poem} on 127.0.0.1:");
                Finished got = Run("get", "--quiet", ready[(ready.LastIndexOf(':') + 1)..^1]);
                CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(Source.Root, "poetry", poem)), got.Bytes, got.Errors);
            }

            Posix.Kill(server.Id, Posix.SIGTERM);
            server.WaitForExit();
            Assert.AreEqual(0, server.ExitCode);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    /// <summary>The loader and the libraries that it is linked with.</summary>
    private static string[] CopyLibraries(string root)
    {
        string[] libraries = [.. Succeed(root, "ldd", NativeBinary.Path).Split((char[])[' ', '\t', '\n']).Where(word => word.StartsWith('/'))];
        return Array.ConvertAll(libraries, library =>
        {
            string copy = root + library;
            _ = Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(library, copy);
            return copy;
        });
    }

    private string EmptyRoot(params string[] folders)
    {
        if (!Posix.IsRoot)
        {
            Assert.Inconclusive("packages are installed by root");
        }

        string root = Directory.CreateDirectory(Folder["root"]).FullName;
        foreach (string folder in folders)
        {
            _ = Directory.CreateDirectory(Path.Combine(root, folder));
        }

        return root;
    }

    private static string[] FilesOf(string root) =>
        [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Where(path => !path.StartsWith($"{root}/var/lib/", StringComparison.Ordinal))];

    /// <summary>There is no shell and no C library in the root: scripts run outside, dependencies are not looked for.</summary>
    private static void Dpkg(string root, params string[] arguments) => _ = Succeed(
        root,
        [Posix.Tool("dpkg"), $"--root={root}", "--force-script-chrootless", "--force-depends", "--log=/dev/null", .. arguments]);

    private static string Only(string pattern) => Directory.GetFiles(Packages, pattern).Single();

    private static JsonDocument Read(string path) => JsonDocument.Parse(File.ReadAllBytes(path));

    private static string HashOf(JsonElement component) =>
        component.GetProperty("hashes").EnumerateArray().Single().GetProperty("content").GetString()!;

    private static string? LicenceOf(JsonElement component) =>
        component.GetProperty("licenses").EnumerateArray().Single().GetProperty("license").GetProperty("id").GetString();

    private static string Succeed(string folder, params string[] command)
    {
        Finished finished = ToolRun.Run(folder, command);
        string output = System.Text.Encoding.UTF8.GetString(finished.Bytes);
        Assert.AreEqual(0, finished.ExitCode, $"{string.Join(' ', command)}\n{output}\n{finished.Errors}");
        return output;
    }

    /// <summary>The file that a link of a document leads to.</summary>
    [GeneratedRegex("""\]\((?!\w+://|#)([^)\s#]+)""")]
    private static partial Regex Link();
}
