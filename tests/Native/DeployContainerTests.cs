using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>docs/deploy/Containerfile without a container engine: its layout in a folder, run in a chroot.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
[OSCondition(OperatingSystems.Linux)]
public sealed class DeployContainerTests : NativeTests
{
    private static readonly string[] Lines =
        [.. File.ReadAllLines(DeployTests.Recipe("Containerfile")).Where(line => line.Length > 0 && line[0] != '#')];

    /// <summary>
    /// Aim: the image has all that the server needs. Method: COPY is done into an empty folder, which is mounted read-only and
    /// becomes the root of process 1 of a network and a process tree of its own, with the user and the command of the file.
    /// </summary>
    [TestMethod]
    public void Container_AsTheContainerfileLaysItOut_ServesReadOnlyAsNobody()
    {
        if (!Posix.IsRoot || !File.Exists(Path.Combine(Repository.Root, "dist", "poetry-static")))
        {
            Assert.Inconclusive("root's rights and dist/poetry-static are needed: ./build.sh static builds it");
        }

        Assert.AreEqual("FROM scratch", Lines[0]);
        _ = Directory.CreateDirectory(Folder["root"]);
        _ = ToolRun.Run(Folder.Path, "chmod", "755", "root");
        foreach (string[] copy in Lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal)).Select(line => line.Split(' ')))
        {
            Copy(Path.Combine(Repository.Root, copy[1]), Folder["root" + copy[2]]);
        }

        string user = Instruction("USER");
        string script = $"""
            mount --make-rprivate / && mount --bind root root && mount -o remount,bind,ro root && ip link set lo up || exit 125
            exec chroot --userspec={user} root "$@"
            """;
        // The variable may be set for other programs, and the runtime in a static executable ends where it is.
        string[] shell = ["env", "DOTNET_DbgEnableMiniDump=1", "unshare", "-n", "-m", "-p", "-f", "--kill-child", "sh", "-c", script, "sh"];
        using Process container = ToolRun.Start(Folder.Path, [.. shell, .. Words("ENTRYPOINT"), .. Words("CMD")]);
        try
        {
            string? ready = container.StandardOutput.ReadLine();
            Assert.AreEqual("Serving /poems/ecstasy.txt on [::]:10001.", ready, ready is null ? EndOf(container) : "");
            int processId = int.Parse(File.ReadAllText($"/proc/{container.Id}/task/{container.Id}/children"), CultureInfo.InvariantCulture);
            string[] status = File.ReadAllLines($"/proc/{processId}/status");
            Assert.Contains($"Uid:\t{string.Join('\t', Enumerable.Repeat(user.Split(':')[0], 4))}", status);
            Assert.Contains("CapEff:\t0000000000000000", status);
            Assert.AreEqual("1", status.Single(line => line.StartsWith("NSpid:", StringComparison.Ordinal)).Split('\t')[^1]);
            string root = File.ReadLines($"/proc/{processId}/mountinfo").Last(line => line.Split(' ')[4] == "/");
            Assert.StartsWith("ro,", root.Split(' ')[5]);

            string[] network = ["nsenter", "--target", $"{container.Id}", "--net"];
            Finished got = Run(new Launch("get", "--quiet", "127.0.0.1:10001") { Through = network });
            CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(Repository.Root, "poetry", "ecstasy.txt")), got.Bytes, got.Errors);
            const string Ask = @"exec 3<>/dev/tcp/127.0.0.1/9100; printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3; cat <&3";
            Finished answer = ToolRun.Run(Folder.Path, [.. network, "bash", "-c", Ask]);
            Assert.StartsWith("HTTP/1.1 200", System.Text.Encoding.ASCII.GetString(answer.Bytes), answer.Errors);

            // Process 1 has no default for SIGTERM: the server has to take it.
            Posix.Kill(processId, Posix.SIGTERM);
            Assert.IsTrue(container.WaitForExit(Patience.Milliseconds), "it does not end");
            Assert.AreEqual(0, container.ExitCode, container.StandardError.ReadToEnd());
        }
        finally
        {
            container.Kill(entireProcessTree: true);
        }
    }

    private static string EndOf(Process process)
    {
        string errors = process.StandardError.ReadToEnd();
        Assert.IsTrue(process.WaitForExit(Patience.Milliseconds), "it does not end");
        return $"it ended with {process.ExitCode}: {errors}";
    }

    private static string Instruction(string word) =>
        Lines.Single(line => line.StartsWith($"{word} ", StringComparison.Ordinal))[(word.Length + 1)..];

    private static string[] Words(string instruction) => JsonSerializer.Deserialize<string[]>(Instruction(instruction))!;

    /// <summary>A file, or what is in a folder.</summary>
    private static void Copy(string from, string to)
    {
        if (!Directory.Exists(from))
        {
            File.Copy(from, to);
            return;
        }

        _ = Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}
