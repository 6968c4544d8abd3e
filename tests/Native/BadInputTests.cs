using System.Globalization;
using System.Text;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Everything wrong that a user can type: one clear line, the right exit code, no stack trace.</summary>
[TestClass]
public sealed class BadInputTests : NativeTests
{
    [TestMethod]
    public void Serve_NoSuchFile_NamesIt()
    {
        AssertUnreadable(Run("serve", "nosuch.txt"), "nosuch.txt");
    }

    [TestMethod]
    public void Serve_ADirectory_IsRefused()
    {
        _ = Directory.CreateDirectory(Folder["folder"]);
        AssertUnreadable(Run("serve", "folder"), "folder");
    }

    [TestMethod]
    public void Serve_AFifo_IsRefusedAndNotWaitedFor()
    {
        Posix.MakeFifo(Folder["fifo"]);
        AssertUnreadable(Run("serve", "fifo"), "fifo");
    }

    [TestMethod]
    public void Serve_AnEndlessDevice_IsRefused()
    {
        AssertUnreadable(Run("serve", "/dev/zero"), "/dev/zero");
    }

    [TestMethod]
    public void Serve_AnUnreadableFile_SaysPermissionDenied()
    {
        _ = Folder.Write("secret.txt", Poem);
        Folder.Lock("secret.txt");
        Finished finished = Run(new Launch("serve", "secret.txt") { Through = Posix.WithoutRights() });
        AssertUnreadable(finished, "secret.txt", "permission denied");
    }

    [TestMethod]
    public void Serve_OneBadFileOfTwo_ListensNowhere()
    {
        int port = FaultServer.FreePort();
        _ = Folder.Write("good.txt", Poem);
        AssertUnreadable(Run("serve", $"{port}=good.txt", "0=nosuch.txt"), "nosuch.txt");
        Assert.IsTrue(Wire.IsRefused(port));
    }

    [TestMethod]
    [DataRow("1")]
    [DataRow("2")]
    public void Serve_APortInUse_IsRefusedWhateverTheWorkers(string workers)
    {
        NativeBinary first = ServePoem(Poem, "--workers", workers);
        Finished second = Run("serve", "--workers", workers, "--port", $"{first.Port()}", "poem.txt");
        AssertFailed(second, 1, $"poetry: cannot listen on 127.0.0.1:{first.Port()}: ", "in use");
        Wire.Fetch(first.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_APortInUseByOthers_IsRefused()
    {
        using FaultServer other = FaultServer.Sending(Poem);
        _ = Folder.Write("poem.txt", Poem);
        AssertFailed(Run("serve", "--port", $"{other.Port}", "poem.txt"), 1, $"poetry: cannot listen on {other.Address}: ");
    }

    [TestMethod]
    public void Serve_APrivilegedPort_SaysPermissionDenied()
    {
        const int Http = 80;
        string lowest = File.ReadAllText("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        if (int.Parse(lowest, CultureInfo.InvariantCulture) <= Http)
        {
            Assert.Inconclusive("every user may listen on port 80 here");
        }

        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run(new Launch("serve", "--port", "80", "poem.txt") { Through = Posix.WithoutRights() });
        AssertFailed(finished, 1, "poetry: cannot listen on 127.0.0.1:80: permission denied");
    }

    [TestMethod]
    public void Serve_AnInterfaceThatIsNotOurs_IsRefused()
    {
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run("serve", "--iface", "192.0.2.1", "poem.txt");
        AssertFailed(finished, 1, "poetry: cannot listen on 192.0.2.1:");
    }

    [TestMethod]
    [DataRow("serve", "--port", "65536", "poem.txt")]
    [DataRow("serve", "--port", "-1", "poem.txt")]
    [DataRow("serve", "--port", "ten", "poem.txt")]
    [DataRow("serve", "--port", "", "poem.txt")]
    [DataRow("serve", "--send-timeout", "soon", "poem.txt")]
    [DataRow("serve", "--drain", "-1", "poem.txt")]
    [DataRow("serve", "--drain", "NaN", "poem.txt")]
    [DataRow("serve", "--workers", "-1", "poem.txt")]
    [DataRow("serve", "--workers", "many", "poem.txt")]
    [DataRow("serve", "--max-connections", "-1", "poem.txt")]
    [DataRow("serve", "--log-level", "loud", "poem.txt")]
    [DataRow("serve", "--log-format", "xml", "poem.txt")]
    [DataRow("serve")]
    [DataRow("serve", "65536=poem.txt")]
    [DataRow("serve", "unix:=poem.txt")]
    [DataRow("serve", "poem.txt", "--port")]
    [DataRow("get")]
    [DataRow("get", "ten")]
    [DataRow("get", "65536")]
    [DataRow("get", "0")]
    [DataRow("get", "localhost:")]
    [DataRow("get", ":10001")]
    [DataRow("get", "::1:10001")]
    [DataRow("get", "[::1]")]
    [DataRow("get", "[::g]:10001")]
    [DataRow("get", "unix:")]
    [DataRow("get", "--timeout", "-1", "10001")]
    [DataRow("get", "--retry", "often", "10001")]
    [DataRow("get", "--progress", "loud", "10001")]
    [DataRow("get", "--transform", "cummingsify", "10001")]
    [DataRow("get", "--output", "got.txt", "--raw", "10001")]
    [DataRow("nosuchcommand")]
    [DataRow("help", "nosuchcommand")]
    public void AnyCommand_WrongUsage_IsOneLineAndTwo(params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        AssertFailed(Run(arguments), 2);
    }

    [TestMethod]
    public void Get_SeveralPoemsIntoOneFile_IsWrongUsage()
    {
        AssertFailed(Run("get", "--output", "one.txt", "10001", "10002"), 2);
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void AnyCommand_AnOptionMistyped_NamesTheNearestKnown(string[] command)
    {
        CommandSchema schema = command is [var name] ? CommandLine.Root.Find(name)! : CommandLine.Root;
        foreach (OptionSchema option in schema.Options.Concat(CommandLine.Root.Options))
        {
            AssertFailed(Run([.. command, MistypedWords.Swapped(option.Name), "1"]), 2, $"(did you mean '{option.Name}'?)");
        }
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void AnyCommand_Mistyped_IsNamed(string[] command)
    {
        foreach (string name in command)
        {
            AssertFailed(Run(name[..^1], "10001"), 2, $"'{name}'");
        }
    }

    [TestMethod]
    public void NoArguments_IsWrongUsage()
    {
        Finished finished = Run();
        Assert.AreEqual(2, finished.ExitCode);
        Assert.IsEmpty(finished.Bytes, "standard output is for poems and ready lines");
        Assert.IsNotEmpty(finished.Errors);
    }

    [TestMethod]
    public void Get_AnUnknownHost_FailsInOneLine()
    {
        Finished finished = Run("get", "--quiet", "nosuch.invalid:10001");
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith("Task 1: nosuch.invalid:10001: ", finished.Errors);
        Assert.IsEmpty(finished.Bytes);
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void AnyCommand_Help_ShowsExamplesOnStandardOutput(string[] command)
    {
        Finished finished = Run([.. command, "--help"]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Errors);
        string help = Encoding.UTF8.GetString(finished.Bytes);
        Assert.Contains("Example", help);
        Assert.Contains($"poetry {string.Join(' ', command)}".TrimEnd(), help);
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void Help_OfAnyCommand_IsWhatTheOptionShows(string[] command)
    {
        Finished finished = Run(["help", .. command]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Errors);
        Assert.AreEqual(Encoding.UTF8.GetString(Run([.. command, "--help"]).Bytes), Encoding.UTF8.GetString(finished.Bytes));
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void AnyCommand_Version_IsOneLine(string[] command)
    {
        Finished finished = Run([.. command, "--version"]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.MatchesRegex("^(poetry )?[0-9]+\\.[0-9]+\\.[0-9]+[^\\n]*\\n$", Encoding.UTF8.GetString(finished.Bytes));
    }

    [TestMethod]
    public void Serve_ManyThingsWrongAtOnce_NeverPrintsAStackTrace()
    {
        Finished finished = Run("serve", "--port", "x", "--drain", "y", "--nosuch", "z");
        AssertFailed(finished, 2);
        Assert.DoesNotContain("   at ", finished.Errors);
    }

    /// <summary>The program without a command, and with each.</summary>
    private static IEnumerable<string[][]> EveryCommand =>
        [[[]], .. CommandLine.Root.Subcommands.Select(command => (string[][])[[command.Name]])];

    /// <summary>A poem that can't be read is found out at run time: before anything listens.</summary>
    private static void AssertUnreadable(Finished finished, params string[] words)
    {
        Assert.IsTrue(finished.ExitCode is 1 or 2, $"exit code {finished.ExitCode}: {finished.Errors}");
        AssertFailed(finished, finished.ExitCode, [finished.ExitCode == 2 ? "poetry serve: " : "poetry: ", .. words]);
    }
}
