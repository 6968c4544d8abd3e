using System.Diagnostics;

namespace Poetry.Tests.Testing;

/// <summary>Programs of the machine that a test talks to our own with: curl, nc, python3.</summary>
internal static class ToolRun
{
    /// <summary>Runs one to its end, without input.</summary>
    /// <param name="folder">Where it runs.</param>
    /// <param name="command">The program and its arguments.</param>
    public static Finished Run(string folder, params string[] command) => Run(folder, Patience.Milliseconds, command);

    /// <inheritdoc cref="Run(string, string[])"/>
    public static Finished Run(string folder, int patienceMs, string[] command)
    {
        using Process process = Start(folder, command);
        process.StandardInput.Close();
        using var output = new ProcessOutput(process.StandardOutput.BaseStream, $"standard output of {command[0]}");
        using var errors = new ProcessOutput(process.StandardError.BaseStream, $"standard error of {command[0]}");
        if (!process.WaitForExit(patienceMs))
        {
            process.Kill();
            process.WaitForExit();
            Assert.Fail($"{string.Join(' ', command)} did not end; it says:\n{errors.Text}");
        }

        output.WaitForEnd();
        errors.WaitForEnd();
        return new Finished(process.ExitCode, output.Bytes, errors.Text);
    }

    /// <summary>Starts one with all three streams redirected. The caller's.</summary>
    public static Process Start(string folder, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = folder,
        };
        return Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
    }
}
