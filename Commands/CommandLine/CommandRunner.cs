using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Reads the command line, runs the command or prints the text, and turns an unexpected exception into one line and an exit code.
/// </summary>
internal static class CommandRunner
{
    /// <summary>The body of Main.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int Run(IReadOnlyList<string> args)
    {
        SignalQueue.Block();
        NativeProcess.ReapOrphans();
        _ = NativeProcess.EnsureStandardDescriptors();
        _ = NativeProcess.IgnoreSigXfsz();
        string command = "poetry";
        try
        {
            Invocation invocation = CommandLine.Parse(args);
            command = invocation.Command;
            if (invocation.Run is { } run)
            {
                _ = Report(invocation.Text, ExitCode.Success);
                return run();
            }

            SignalQueue.Unblock();
            return invocation.ExitCode == ExitCode.Success ? Print(invocation.Text) : Report(invocation.Text, invocation.ExitCode);
        }
#pragma warning disable CA1031 // The last resort: any exception is reported to the user in one line.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception switch
            {
                EndedBySignalError => ExitCode.Success,
                UsageError or ListenFileError or PollerUnavailableError =>
                    Report(Invocation.Refuse(command, exception.Message).Text, ExitCode.WrongUsage),
                IOException => Fail(exception.Message),
                _ => Report(Describe(exception, Environment.GetEnvironmentVariable("POETRY_DEBUG")), ExitCode.InternalError),
            };
        }
    }

    /// <summary>Prints that something failed at run time: <c>poetry: cannot listen on 127.0.0.1:80: permission denied</c>.</summary>
    /// <param name="problem">One sentence without a full stop; it is escaped here.</param>
    /// <returns>The exit code for it.</returns>
    public static int Fail(string problem) => Report($"poetry: {TextEscaper.EscapeLine(problem)}\n", ExitCode.Failure);

    /// <summary>The report of an unexpected exception.</summary>
    /// <param name="exception">The unexpected exception.</param>
    /// <param name="debug">The value of <c>POETRY_DEBUG</c>: with 1 the stack follows.</param>
    internal static string Describe(Exception exception, string? debug)
    {
        string line = TextEscaper.EscapeLine($"poetry: internal error: {exception.GetType().Name}: {exception.Message}") + "\n";
        return debug == "1" ? $"{line}{exception}\n" : line;
    }

    private static int Report(string text, int exitCode)
    {
        _ = StandardStreams.WriteAll(StandardStreams.Error, text);
        return exitCode;
    }

    private static int Print(string text)
    {
        Errno error = StandardStreams.WriteAll(StandardStreams.Output, text);
        return error is Errno.None or Errno.EPIPE
            ? ExitCode.Success
            : Fail($"cannot write standard output: {error.Sentence()}");
    }
}
