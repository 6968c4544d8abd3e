using System.Diagnostics;
using System.Text.RegularExpressions;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// What README.md says to type works, pasted from top to bottom into one shell, and prints what it says. Its ports are
/// fixed, so this happens in a network namespace of its own.
/// </summary>
[TestClass]
public sealed partial class ReadmeTests : NativeTests
{
    /// <summary>
    /// Method: every block marked <c>sh</c> goes to one bash, in order; every line of the block marked <c>text</c> that
    /// follows it must then appear, in order, in what the shell and its programs print. <c>…</c> stands for anything.
    /// </summary>
    [TestMethod]
    public void TheReadme_CanBePasted_FromTopToBottom()
    {
        string[] probe = ["unshare", "-rn", "ip", "link", "set", "lo", "up"];
        if (!File.Exists("/usr/bin/unshare") || ToolRun.Run(Folder.Path, probe).ExitCode != 0)
        {
            Assert.Inconclusive("no network namespace can be made here: unshare, ip and the right to use them are missing");
        }

        _ = Directory.CreateDirectory(Folder["dist"]);
        _ = File.CreateSymbolicLink(Folder["dist/poetry"], NativeBinary.Path);
        _ = Directory.CreateDirectory(Folder["poetry"]);
        foreach (string poem in Directory.EnumerateFiles(Path.Combine(Repository.Root, "poetry")))
        {
            File.Copy(poem, Folder["poetry/" + Path.GetFileName(poem)]);
        }

        // A pid namespace ends with its first process, and all servers with it.
        using Process shell = ToolRun.Start(Folder.Path, "unshare", "-rn", "-p", "-f", "--kill-child", "bash", "--norc");
        using var output = new ProcessOutput(shell.StandardOutput.BaseStream, "the shell");
        using var errors = new ProcessOutput(shell.StandardError.BaseStream, "the shell's errors");
        shell.StandardInput.Write("exec 2>&1; set -m; ip link set lo up\n");
        try
        {
            Paste(shell, output);
            shell.StandardInput.Close();
            Assert.IsTrue(shell.WaitForExit(Patience.Milliseconds), output.Text);
        }
        finally
        {
            shell.Kill();
        }

        StringAssert.DoesNotMatch(output.Text, new Regex("not found|internal error|already in use|ambiguous|no such job"), output.Text);
    }

    private static void Paste(Process shell, ProcessOutput output)
    {
        int blocks = 0;
        int from = 0;
        foreach (Match block in Blocks().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))))
        {
            if (block.Groups["kind"].Value == "sh")
            {
                from = output.Text.Length;
                shell.StandardInput.Write(block.Groups["text"].Value);
                shell.StandardInput.Flush();
                blocks++;
                continue;
            }

            foreach (string line in block.Groups["text"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                foreach (string part in line.Split('…', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                {
                    output.WaitForText(part, from);
                }
            }
        }

        Assert.IsGreaterThan(8, blocks);
    }

    [GeneratedRegex("""^```(?<kind>sh|text)\n(?<text>.*?)^```$""", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
