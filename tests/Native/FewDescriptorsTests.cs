using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Few descriptors: what can be done with them is done, and what can't is told in one line.</summary>
[TestClass]
public sealed class FewDescriptorsTests : NativeTests
{
    private const int ManyAddresses = 40;

    /// <summary>A child that inherited one would keep a port taken, or a connection open, that the server has closed.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void NoDescriptor_IsInheritedByAChild()
    {
        const int CloseOnExec = 0x80000; // 02000000
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Serve("--metrics", "unix:metrics", "--log-file", "log", "0=poem.txt", "unix:poem.sock=poem.txt");
        NativeBinary proxy = Start(new Launch("proxy", $"0={server.Port()}"));
        using Socket client = Wire.Connect(proxy.Port(), receiveBufferBytes: 4096);
        using Socket local = Wire.Connect(Folder["poem.sock"]);
        _ = Wire.ReadExactly(client, 1);
        _ = Wire.ReadExactly(local, 1);
        foreach (NativeBinary process in new[] { server, proxy })
        {
            string[] ours = ["socket:", "anon_inode:", Folder.Path];
            int seen = 0;
            foreach (string link in System.IO.Directory.GetFileSystemEntries($"/proc/{process.ProcessId}/fd"))
            {
                string number = System.IO.Path.GetFileName(link);
                string target = new System.IO.FileInfo(link).LinkTarget ?? string.Empty;
                if (number is "0" or "1" or "2" || !ours.Any(start => target.StartsWith(start, System.StringComparison.Ordinal)))
                {
                    continue;
                }

                string flags = System.IO.File.ReadLines($"/proc/{process.ProcessId}/fdinfo/{number}")
                    .First(line => line.StartsWith("flags:", System.StringComparison.Ordinal));
                Assert.AreNotEqual(0, System.Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & CloseOnExec, $"{target} of {process.Name}");
                seen++;
            }

            Assert.IsGreaterThan(5, seen, "signals, poller, waker, listener, clients");
        }
    }

    /// <summary>More servers than descriptors: the other downloads wait for a free one, and none fails.</summary>
    [TestMethod]
    [DataRow(12)]
    [DataRow(16)]
    public void Get_FromMoreServersThanDescriptors_GetsThemAll(int descriptors)
    {
        NativeBinary server = ServePoem(Poem);
        string[] addresses = [.. Enumerable.Repeat($"{server.Port()}", ManyAddresses)];
        Finished finished = Run(new Launch(["get", .. addresses]) { Before = Limit(descriptors) });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(ManyAddresses * Poem.Length, finished.Bytes.Length);
    }

    [TestMethod]
    [DataRow("--quiet")]
    [DataRow("--wait")]
    public void Get_IntoMoreFilesThanDescriptors_WritesThemAll(string option)
    {
        NativeBinary server = ServePoem(Poem);
        string[] addresses = [.. Enumerable.Repeat($"{server.Port()}", ManyAddresses)];
        _ = System.IO.Directory.CreateDirectory(Folder["poems"]);
        Finished finished = Run(new Launch(["get", option, "--output", "poems", .. addresses]) { Before = Limit(16) });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.HasCount(ManyAddresses, System.IO.Directory.GetFiles(Folder["poems"]));
    }

    /// <summary>These servers have sent all and do not close: their connections hold descriptors for a while after that.</summary>
    [TestMethod]
    public void Get_WhileTheLastConnectionsLinger_WaitsForADescriptor()
    {
        FaultServer server = Own(new FaultServer(static (client, _) => client.Send(Encoding.ASCII.GetBytes("5:verse,"))));
        string[] addresses = [.. Enumerable.Repeat(server.Address, 8)];
        Finished finished = Run(new Launch(["get", "--netstring", .. addresses]) { Before = Limit(10) });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(8 * "verse".Length, finished.Bytes.Length);
    }

    /// <summary>Too few to begin at all.</summary>
    [TestMethod]
    [DataRow("serve", "poem.txt")]
    [DataRow("slow-serve", "poem.txt")]
    [DataRow("transform")]
    [DataRow("proxy", "1")]
    [DataRow("get", "--quiet", "1")]
    public void AnyCommand_WithTooFew_SaysSoInOneLine(params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        for (int descriptors = 4; descriptors <= 7; descriptors++)
        {
            Finished finished = Run(new Launch(arguments) { Before = Limit(descriptors) });
            Assert.AreEqual(1, finished.ExitCode, $"{descriptors}: {finished.Errors}");
            Assert.HasCount(1, finished.ErrorLines, $"{descriptors}: {finished.Errors}");
            Assert.DoesNotContain("internal error", finished.Errors, $"{descriptors}");
            Assert.IsTrue(
                finished.Errors.Contains("too many open files") || finished.Errors.Contains("limit of open files")
                    || finished.Errors.Contains("descriptors"),
                $"{descriptors}: {finished.Errors}");
        }
    }

    [TestMethod]
    [DataRow(10)]
    [DataRow(12)]
    public void Serve_WithTooFewForAHandfulOfClients_SaysSo(int descriptors)
    {
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run(new Launch("serve", "poem.txt") { Before = Limit(descriptors) });
        AssertFailed(finished, 1, $"poetry: the limit of open files, {descriptors}, is too low: ");
    }

    /// <summary>From the least limit on that is enough to begin with, clients wait for their turn and none is reset.</summary>
    [TestMethod]
    [DataRow]
    [DataRow("--metrics", "unix:m.sock")]
    [DataRow("--workers", "2")]
    public void Serve_WithFew_HasClientsWait(params string[] options)
    {
        _ = Folder.Write("poem.txt", Poem);
        int served = 0;
        for (int descriptors = 12; descriptors <= 36; descriptors += 4)
        {
            NativeBinary server = Start(new Launch(["serve", .. options, "poem.txt"]) { Before = Limit(descriptors) });
            Assert.IsTrue(
                SpinWait.SpinUntil(
                    () => server.Output.Lines.Length > 0 || server.Errors.Text.Contains("poetry: ", System.StringComparison.Ordinal),
                    Patience.Milliseconds),
                $"{descriptors}: not a word");
            if (server.Errors.Text.Contains("too low", System.StringComparison.Ordinal))
            {
                AssertFailed(server.WaitForExit(), 1, "is too low: ");
                continue;
            }

            _ = server.Port();
            Socket[] clients = [.. Enumerable.Range(0, 30).Select(_ => Wire.Connect(server.Port()))];
            foreach (Socket client in clients)
            {
                using (client)
                {
                    Wire.ReadToEnd(client).AssertIs(Poem);
                }

                served++;
            }

            server.Signal(Posix.SIGTERM);
            Assert.DoesNotContain(" paused for ", server.WaitForExit().Errors, $"{descriptors}");
        }

        Assert.IsGreaterThanOrEqualTo(30, served);
    }

    [TestMethod]
    public void Serve_WithTooFewForItsWorkers_SaysHowManyThereAre()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Serve(new Launch("--workers", "8", "poem.txt") { Before = Limit(32) });
        server.Errors.WaitForText("8 were asked for, but the limit of open files is 32");
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    private static string Limit(int descriptors) => string.Create(CultureInfo.InvariantCulture, $"ulimit -n {descriptors};");
}
