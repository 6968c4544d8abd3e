using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// Aim: whichever system call fails, a command keeps its promises. Method: that of curl's torture tests. One scenario a
/// command is run to count the calls of its loop's thread, and then again and again with one of them failing, by
/// <c>torture.c</c>. After each run: it ended in time and did not crash, no client got wrong bytes, or a clean end after a
/// part, the next client was served if the server went on, and a command that failed said so.
/// </summary>
/// <remarks>
/// POETRY_TORTURE=full tries every call with every error, 37.2 the call 37 with its error 2; otherwise some are drawn, by the
/// seed, for a few seconds.
/// </remarks>
[TestClass]
public sealed class TortureTests : NativeTests
{
    /// <summary>For each of the commands, in the ordinary test run.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(9);

    /// <summary>The longest list of errors in <c>torture.c</c>.</summary>
    private const int MaxErrors = 5;

    /// <summary>A reader that hangs up is no failure of a command that writes text: it ends without a word.</summary>
    private const string BrokenPipe = "write 32";

    private const int ReportBytes = 64;
    private const int CountBytes = 24;

    /// <summary>The next client is served within this.</summary>
    private const int NextClientMs = 5000;

    /// <summary>More than one write takes, less than makes a run slow.</summary>
    private static readonly byte[] Text = MakePoem(200_000);

    private string _shim = string.Empty;
    private string _report = string.Empty;

    /// <summary>The call that has failed and its errno; empty if none has.</summary>
    private string Failed =>
        Encoding.ASCII.GetString(File.ReadAllBytes(_report), CountBytes, ReportBytes - CountBytes).TrimEnd('\0');

    public TestContext TestContext { get; set; } = null!;

    [TestInitialize]
    public void BuildShim()
    {
        string compiler = Posix.FindTool("cc") ?? Posix.FindTool("gcc") ?? Posix.Tool("clang");
        _shim = Folder["torture.so"];
        _report = Folder["report"];
        string source = Path.Combine(Repository.Root, "tests", "Native", "torture.c");
        Finished built = ToolRun.Run(Folder.Path, compiler, "-shared", "-fPIC", "-O1", "-o", _shim, source, "-ldl");
        Assert.AreEqual(0, built.ExitCode, built.Errors);
        _ = Folder.Write("poem.txt", Text);
    }

    [TestMethod]
    [Timeout(3_600_000)]
    [DataRow("serve")]
    [DataRow("slow-serve")]
    [DataRow("transform")]
    [DataRow("proxy")]
    [DataRow("get")]
    [DataRow("completion")]
    [DataRow("help")]
    public void AnyCallThatFails_BreaksNoPromise(string command)
    {
        var broken = new List<string>();
        int calls = RunOnce(command, call: 0, error: 0, broken);
        Assert.IsEmpty(broken, $"without any failure: {string.Join('\n', broken)}");
        Assert.IsGreaterThan(1, calls, "calls are counted");

        Random random = Seed.Start(TestContext);
        string wanted = Environment.GetEnvironmentVariable("POETRY_TORTURE") ?? string.Empty;
        bool isFull = wanted.Length > 0;
        (int Call, int Error)[] faults =
            [.. from call in Enumerable.Range(1, calls) from error in Enumerable.Range(0, MaxErrors) select (call, error)];
        if (!isFull)
        {
            random.Shuffle(faults);
        }
        else if (wanted != "full")
        {
            faults = [.. faults.Where(fault => wanted == $"{fault.Call}.{fault.Error}")];
        }

        int runs = 0;
        var tried = new HashSet<string>();
        long began = Stopwatch.GetTimestamp();
        foreach ((int call, int error) in faults)
        {
            if (!isFull && Stopwatch.GetElapsedTime(began) > Budget)
            {
                break;
            }

            _ = RunOnce(command, call, error, broken, tried);
            runs++;
        }

        TestContext.WriteLine($"{command}: {runs} runs, {calls} calls, {tried.Count} different failures");
        Assert.IsEmpty(broken, string.Join('\n', broken));
    }

    /// <summary>Runs the scenario with one failing call.</summary>
    /// <returns>How many calls there were.</returns>
    private int RunOnce(string command, int call, int error, List<string> broken, HashSet<string>? tried = null)
    {
        File.WriteAllBytes(_report, new byte[ReportBytes]);
        string? problem = null;
        try
        {
            switch (command)
            {
                case "serve":
                    RunServer(call, error, ["serve", "--port", "0", "poem.txt"], static port => Wire.Fetch(port), Text);
                    break;
                case "slow-serve":
                    string[] slowly = ["slow-serve", "--port", "0", "--num-bytes", "100000", "--delay", "10ms", "poem.txt"];
                    RunServer(call, error, slowly, static port => Wire.Fetch(port), Text);
                    break;
                case "transform":
                    byte[] request = [.. Encoding.ASCII.GetBytes($"{Text.Length + 6}:rot13."), .. Text, (byte)','];
                    byte[] reply = [.. Encoding.ASCII.GetBytes($"{Text.Length}:"), .. Rot13(Text), (byte)','];
                    RunServer(call, error, ["transform", "--port", "0"], port => Ask(port, request), reply);
                    break;
                case "proxy":
                    using (FaultServer upstream = FaultServer.Sending(Text))
                    {
                        RunServer(call, error, ["proxy", "--port", "0", $"{upstream.Port}"], static port => Wire.Fetch(port), Text);
                    }

                    break;
                case "get":
                    using (FaultServer upstream = FaultServer.Sending(Text))
                    {
                        RunTool(call, error, ["get", "--progress", "none", "--timeout", "10", $"{upstream.Port}"], Text);
                    }

                    break;
                default:
                    string[] words = command == "help" ? ["help", "serve"] : ["completion", "bash"];
                    RunTool(call, error, words, Run(words).Bytes);
                    break;
            }
        }
        catch (AssertFailedException exception)
        {
            problem = exception.Message;
        }

        string failed = Failed;
        _ = tried?.Add(failed);
        if (problem is not null)
        {
            broken.Add($"{command}, call {call}, error {error}, {failed}: {problem}");
        }

        return int.Parse(Encoding.ASCII.GetString(File.ReadAllBytes(_report), 0, CountBytes).TrimEnd('\0'), CultureInfo.InvariantCulture);
    }

    private NativeBinary StartTortured(int call, int error, string[] arguments) => NativeBinary.Start(new Launch(arguments)
    {
        Folder = Folder.Path,
        Environment = new()
        {
            ["LD_PRELOAD"] = _shim,
            ["TORTURE_REPORT"] = _report,
            ["TORTURE_CALL"] = call.ToString(CultureInfo.InvariantCulture),
            ["TORTURE_ERROR"] = error.ToString(CultureInfo.InvariantCulture),
        },
    });

    private void RunServer(int call, int error, string[] arguments, Func<int, Delivery> fetch, byte[] whole)
    {
        using NativeBinary server = StartTortured(call, error, [.. arguments, "--drain", "2", "--log-level", "warn"]);
        if (!server.Output.WaitForLinesOrEnd(1, () => Failed.StartsWith("write ", StringComparison.Ordinal)))
        {
            // Without its ready line a server goes on, or says why not.
            if (Failed.StartsWith("write ", StringComparison.Ordinal))
            {
                server.SignalUntilItEnds(Posix.SIGTERM);
                Assert.IsLessThanOrEqualTo(1, server.WaitForExit().ExitCode);
                return;
            }

            AssertFailedWithALine(server.WaitForExit());
            return;
        }

        // The call that fails may be for the first clients, and a port or an upstream may pause after it.
        bool IsServed() => TryFetch(server.Port(), fetch) is { } delivery && IsHonest(delivery, whole);
        _ = IsServed();
        _ = IsServed();
        bool isServed = SpinWait.SpinUntil(() => server.HasExited || IsServed(), NextClientMs);
        if (!server.HasExited)
        {
            Assert.IsTrue(isServed, $"the next client is not served; it says:\n{server.Errors.Text}");
            server.SignalUntilItEnds(Posix.SIGTERM);
        }

        Finished finished = server.WaitForExit();
        if (finished.ExitCode != 0)
        {
            AssertFailedWithALine(finished);
        }
    }

    private void RunTool(int call, int error, string[] arguments, byte[] whole)
    {
        using NativeBinary tool = StartTortured(call, error, arguments);
        Finished finished = tool.WaitForExit();
        if (finished.ExitCode == 0)
        {
            bool isWhole = finished.Bytes.AsSpan().SequenceEqual(whole);
            Assert.IsTrue(isWhole || Failed == BrokenPipe, $"exit code 0 after {finished.Bytes.Length} of {whole.Length} bytes");
        }
        else
        {
            Assert.IsTrue(whole.AsSpan().StartsWith(finished.Bytes), "it wrote other bytes");
            if (Failed != BrokenPipe)
            {
                AssertFailedWithALine(finished);
            }
        }
    }

    private static void AssertFailedWithALine(Finished finished)
    {
        Assert.IsTrue(finished.ExitCode is 1 or 2 or 3, $"exit code {finished.ExitCode}: {finished.Errors}");
        Assert.IsTrue(finished.ErrorLines.Length is 1 or 2 or 3, $"a failure is one line: {finished.Errors}");
        string[] beginnings = ["poetry", "Task "];
        string[] levels = [" warn ", " error ", " critical "];
        Assert.IsTrue(
            Array.Exists(finished.ErrorLines, line => Array.Exists(beginnings, line.StartsWith) || Array.Exists(levels, line.Contains)),
            finished.Errors);
    }

    /// <summary>A clean end says that all is there; a reset may come at any place, but not after other bytes.</summary>
    /// <returns>True if all is there.</returns>
    private static bool IsHonest(in Delivery delivery, byte[] whole)
    {
        Assert.IsTrue(whole.AsSpan().StartsWith(delivery.Bytes), $"other bytes from {whole.AsSpan().CommonPrefixLength(delivery.Bytes)} on");
        bool isWhole = delivery.Bytes.Length == whole.Length;
        bool isEmpty = delivery.Bytes.Length == 0;
        Assert.IsTrue(isWhole || isEmpty || delivery.WasReset, $"a clean end after {delivery.Bytes.Length} of {whole.Length} bytes");
        return isWhole;
    }

    /// <summary>Null if it can't connect.</summary>
    private static Delivery? TryFetch(int port, Func<int, Delivery> fetch)
    {
        try
        {
            return fetch(port);
        }
        catch (SocketException exception) when (exception.SocketErrorCode
            is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return null;
        }
        catch (SocketException exception)
        {
            Assert.Fail($"the client hangs: {exception.Message}");
            throw;
        }
    }

    private static Delivery Ask(int port, byte[] request)
    {
        using Socket client = Wire.Connect(port);
        _ = client.Send(request);
        return Wire.ReadToEnd(client);
    }

    private static byte[] Rot13(byte[] text) => Array.ConvertAll(text, static c => (char)c switch
    {
        >= 'a' and <= 'z' => (byte)('a' + ((c - 'a' + 13) % 26)),
        >= 'A' and <= 'Z' => (byte)('A' + ((c - 'A' + 13) % 26)),
        _ => c,
    });
}
