using System.Diagnostics;
using System.Globalization;

namespace Poetry.Tests.Testing;

/// <summary>
/// Programs of tests/Interop, run by the Twisted of this machine. Where there is none the test is skipped.
/// </summary>
internal sealed class Twisted : IDisposable
{
    private static readonly Lazy<string?> Problem = new(FindProblem);

    private readonly Process _process;
    private readonly ProcessOutput _output;
    private readonly ProcessOutput _errors;

    private Twisted(string folder, string[] arguments)
    {
        _process = ToolRun.Start(folder, Command(arguments));
        _process.StandardInput.Close();
        _output = new ProcessOutput(_process.StandardOutput.BaseStream, arguments[0]);
        _errors = new ProcessOutput(_process.StandardError.BaseStream, arguments[0]);
    }

    public int Port { get; private set; }

    /// <summary>Starts a server and waits until it tells its port.</summary>
    public static Twisted Serve(string folder, params string[] arguments)
    {
        var server = new Twisted(folder, arguments);
        string line = server._output.WaitForLines(1)[0];
        server.Port = int.Parse(line.AsSpan(line.LastIndexOf(':') + 1).TrimEnd('.'), CultureInfo.InvariantCulture);
        return server;
    }

    /// <summary>Runs a client to its end.</summary>
    public static Finished Run(string folder, params string[] arguments) => ToolRun.Run(folder, Command(arguments));

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _output.Dispose();
        _errors.Dispose();
        _process.Dispose();
    }

    private static string[] Command(string[] arguments)
    {
        if (Problem.Value is { } problem)
        {
            Assert.Inconclusive(problem);
        }

        string script = Path.Combine(Repository.Root, "tests", "Interop", arguments[0]);
        return ["/usr/bin/python3", script, .. arguments[1..]];
    }

    private static string? FindProblem() =>
        File.Exists("/usr/bin/python3")
        && ToolRun.Run(Path.GetTempPath(), "/usr/bin/python3", "-c", "import twisted.internet.reactor").ExitCode == 0
            ? null
            : "python3-twisted is not installed";
}
