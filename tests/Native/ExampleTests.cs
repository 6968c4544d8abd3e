using System.Text.RegularExpressions;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The table of examples in docs/handbook.md: every line of it works, and every option is in it.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed partial class ExampleTests : DeployTests
{
    private static string[] Examples => [.. File.ReadLines(Path.Combine(Repository.Root, "docs", "handbook.md"))
        .Select(line => Row().Match(line)).Where(match => match.Success)
        .Select(match => match.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal))];

    /// <summary>A server is ready and ends well; any other command succeeds.</summary>
    [TestMethod]
    public void EveryExample_Works()
    {
        File.Copy(Path.Combine(Repository.Root, "poetry", "ecstasy.txt"), Folder["ecstasy.txt"]);
        _ = Folder.Write("poems.conf", "10020=ecstasy.txt\n");
        _ = Folder.Write("upstreams.conf", "10020=10001\n");
        _ = Directory.CreateDirectory(Folder["poems"]);
        _ = Directory.CreateDirectory(Folder["bin"]);
        _ = File.CreateSymbolicLink(Folder["bin/poetry"], NativeBinary.Path);
        _ = ServeInside("serve", "10001=ecstasy.txt", "10003=ecstasy.txt");
        _ = ServeInside("serve", "--netstring", "10002=ecstasy.txt");
        _ = ServeInside("transform", "--port", "11000");
        foreach (string example in Examples)
        {
            string[] words = example.Split(' ');
            if (words[1] is "serve" or "slow-serve" or "transform" or "proxy" && !words.Contains("--list"))
            {
                NativeBinary server = ServeInside(words[1..]);
                server.Signal(Posix.SIGTERM);
                Finished finished = server.WaitForExit();
                Assert.AreEqual(0, finished.ExitCode, $"{example}\n{finished.Errors}");
            }
            else
            {
                Finished finished = RunTool("env", $"PATH={Folder["bin"]}:/usr/bin:/bin", "bash", "-o", "pipefail", "-c", example);
                Assert.AreEqual(0, finished.ExitCode, $"{example}\n{finished.Errors}");
                Assert.IsTrue(finished.Bytes.Length > 0 || example.Contains("--output", StringComparison.Ordinal), example);
            }
        }

        Assert.HasCount(2, Directory.GetFiles(Folder["poems"]));
    }

    /// <summary>An option that several commands share needs one example; one of the same name with another meaning, one each.</summary>
    [TestMethod]
    public void EveryOption_HasAnExample()
    {
        var missing = new List<string>();
        foreach (CommandSchema command in CommandLine.Root.Subcommands.Prepend(CommandLine.Root))
        {
            string own = command == CommandLine.Root ? "poetry -" : $"poetry {command.Name} ";
            string[] lines = [.. Examples.Where(line => line.Contains(own, StringComparison.Ordinal))];
            foreach (OptionSchema option in command.Options)
            {
                bool isShared = CommandLine.Root.Subcommands.Exists(other => other != command && other.Options.Contains(option));
                string[] places = isShared ? Examples : lines;
                if (!Array.Exists(places, line => line.Split(' ').Contains(option.Name)))
                {
                    missing.Add($"{command.FullName} {option.Name}");
                }
            }
        }

        Assert.IsEmpty(missing, $"add a row to the table of examples in docs/handbook.md: {string.Join(", ", missing)}");
        Assert.IsGreaterThan(30, Examples.Length);
    }

    [GeneratedRegex("""^\| .+ \| `(poetry .+)` \|$""")]
    private static partial Regex Row();
}
