using System.Diagnostics;
using System.Globalization;

namespace Poetry.Tests.Testing;

/// <summary>What a process that has ended said.</summary>
/// <param name="ExitCode">128 and the signal's number, if a signal ended it.</param>
/// <param name="Bytes">Standard output.</param>
/// <param name="Errors">Standard error.</param>
internal sealed record Finished(int ExitCode, byte[] Bytes, string Errors)
{
    /// <summary>Standard error without the last newline, in lines.</summary>
    public string[] ErrorLines => Errors.Length == 0 ? [] : Errors.TrimEnd('\n').Split('\n');
}

/// <summary>How to start a process: more than its arguments.</summary>
internal sealed record Launch(params string[] Arguments)
{
    public string? Folder { get; init; }

    /// <summary>Added to the environment.</summary>
    public Dictionary<string, string> Environment { get; init; } = [];

    /// <summary>A command that runs the program, such as <c>setpriv</c> with its options.</summary>
    public string[] Through { get; init; } = [];

    /// <summary>What a shell does first, such as <c>ulimit -n 64;</c>.</summary>
    public string? Before { get; init; }

    /// <summary>How a shell redirects the program, such as <c>&lt;&amp;- 2&gt;&amp;-</c>.</summary>
    public string? Redirection { get; init; }

    /// <summary>Standard input; null is the empty one.</summary>
    public byte[]? Input { get; init; }
}

/// <summary>
/// The published executable, run as a user runs it. It owns the process: what is still alive when it is disposed is killed
/// and waited for.
/// </summary>
internal sealed class NativeBinary : IDisposable
{
    /// <summary>Between two signals of many.</summary>
    private const int PauseMs = 20;

    private readonly Process _process;
    private bool _isKilled;

    private NativeBinary(Process process, Launch launch)
    {
        _process = process;
        Name = $"poetry {string.Join(' ', launch.Arguments)}";
        Output = new ProcessOutput(process.StandardOutput.BaseStream, $"standard output of {Name}");
        Errors = new ProcessOutput(process.StandardError.BaseStream, $"standard error of {Name}");
    }

    /// <summary>The executable, from POETRY_BINARY. Without it the test is skipped: nothing else is the product.</summary>
    public static string Path
    {
        get
        {
            string? path = Environment.GetEnvironmentVariable("POETRY_BINARY");
            if (string.IsNullOrEmpty(path) || !File.Exists(path))
            {
                Assert.Inconclusive("POETRY_BINARY names no executable: ./build.sh test builds one");
            }

            return System.IO.Path.GetFullPath(path);
        }
    }

    public string Name { get; }

    public ProcessOutput Output { get; }

    public ProcessOutput Errors { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>How many descriptors the process has open.</summary>
    public int DescriptorCount => Directory.GetFileSystemEntries($"/proc/{ProcessId}/fd").Length;

    public static NativeBinary Start(Launch launch)
    {
        List<string> command = [.. launch.Through, Path, .. launch.Arguments];
        if (launch.Before is not null || launch.Redirection is not null)
        {
            command = ["/bin/sh", "-c", $"{launch.Before} exec \"$@\" {launch.Redirection}", "sh", .. command];
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = launch.Folder ?? string.Empty,
        };
        foreach (string foreign in new[] { "POETRY_REACTOR", "POETRY_DEBUG", "NO_COLOR" })
        {
            _ = start.Environment.Remove(foreign);
        }

        // The dumps of a crash are for the test program.
        foreach (string dump in start.Environment.Keys.Where(name => name.StartsWith("DOTNET_Dbg", StringComparison.Ordinal)).ToArray())
        {
            _ = start.Environment.Remove(dump);
        }

        foreach ((string name, string value) in launch.Environment)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start) ?? throw new InvalidOperationException("the process did not start");
        var binary = new NativeBinary(process, launch);
        binary.Feed(launch.Input);
        return binary;
    }

    /// <summary>The port in a ready line.</summary>
    /// <param name="index">Which listener, in the order of the ready lines.</param>
    public int Port(int index = 0)
    {
        string line = Output.WaitForLines(index + 1)[index];
        int colon = line.LastIndexOf(':');
        Assert.IsTrue(colon >= 0 && line.EndsWith('.'), $"no ready line: {line}");
        return int.Parse(line.AsSpan(colon + 1, line.Length - colon - 2), CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Sends a signal. One that is ignored where the tests were started, as SIGINT is behind the <c>&amp;</c> of a script and
    /// SIGHUP under nohup, is ignored by what they start as well: the test is skipped.
    /// </summary>
    public void Signal(int signal)
    {
        if (signal is Posix.SIGINT or Posix.SIGHUP && Ignores(signal))
        {
            Assert.Inconclusive($"{(signal == Posix.SIGHUP ? "SIGHUP" : "SIGINT")} is ignored where the tests were started");
        }

        Posix.Kill(ProcessId, signal);
    }

    /// <summary>Sends a signal again and again, until the process has ended.</summary>
    public void SignalUntilItEnds(int signal)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!_process.HasExited && Environment.TickCount64 < deadline)
        {
            Signal(signal);
            _ = _process.WaitForExit(PauseMs);
        }
    }

    /// <summary>The mask of ignored signals, from proc(5).</summary>
    private bool Ignores(int signal)
    {
        const string Field = "SigIgn:";
        string path = $"/proc/{ProcessId}/status";
        string? line = File.Exists(path) ? File.ReadLines(path).FirstOrDefault(text => text.StartsWith(Field, StringComparison.Ordinal)) : null;
        return line is not null
            && (ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) != 0;
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    public Finished WaitForExit()
    {
        if (!_process.WaitForExit(Patience.Milliseconds))
        {
            Kill();
            Assert.Fail($"{Name} did not end; it says:\n{Errors.Text}");
        }

        Output.WaitForEnd();
        Errors.WaitForEnd();
        return new Finished(_process.ExitCode, Output.Bytes, Errors.Text);
    }

    /// <summary>Ends the process as a power cut would, and waits until it is gone.</summary>
    public void Kill()
    {
        _isKilled = true;
        _process.Kill();
        _process.WaitForExit();
    }

    /// <exception cref="AssertFailedException">It had crashed, whatever the test was about.</exception>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        const int Aborted = 134;
        const int Violated = 139;
        bool hasCrashed = !_isKilled && _process.ExitCode is Aborted or Violated;
        string said = Errors.Text;
        Output.Dispose();
        Errors.Dispose();
        _process.Dispose();
        Assert.IsFalse(hasCrashed, $"{Name} crashed; it said:\n{said}");
    }

    private void Feed(byte[]? input)
    {
        try
        {
            _process.StandardInput.BaseStream.Write(input);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not read its input, and need not.
        }
    }
}
