using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The result of reading a command line: a command that is ready to run, or a text to print and the exit code for it.
/// Nothing has been run or written yet.
/// </summary>
/// <param name="Command">The full name of the command: <c>poetry</c> or <c>poetry get</c>.</param>
/// <param name="Run">Runs the command and returns its exit code; null if there is only a text.</param>
/// <param name="Text">Complete lines: for standard output if the exit code is 0 and there is nothing to run, else for standard
/// error.</param>
/// <param name="ExitCode">The exit code that belongs to the text.</param>
internal sealed record Invocation(string Command, Func<int>? Run, string Text, int ExitCode)
{
    /// <summary>The maximum length of a message. Chosen: a terminal shows this and the lines before it.</summary>
    private const int MaxLength = 1000;

    /// <summary>A command with its options, ready to run.</summary>
    /// <param name="command">The full name of the command.</param>
    /// <param name="run">Runs the command and returns the exit code.</param>
    /// <param name="warning">Printed to standard error before the command runs, without a full stop; null for none.</param>
    public static Invocation Of(string command, Func<int> run, string? warning = null) =>
        new(command, run, warning is null ? string.Empty : LineOf(command, $"warning: {warning}"), Commands.ExitCode.Success);

    /// <summary>A text that the user asked for, in complete lines.</summary>
    public static Invocation Print(string text) => new("poetry", null, text, Commands.ExitCode.Success);

    /// <summary>A usage error in one line, escaped for a terminal.</summary>
    /// <param name="command">The full name of the command.</param>
    /// <param name="problem">One line without a full stop.</param>
    public static Invocation Refuse(string command, string problem) =>
        new(command, null, LineOf(command, problem), Commands.ExitCode.WrongUsage);

    /// <summary>One line. A very long one keeps its two ends: they name the option and the problem.</summary>
    private static string LineOf(string command, string text)
    {
        string shown = text.Length > MaxLength ? $"{text[..(MaxLength / 2)]}...{text[^(MaxLength / 2)..]}" : text;
        return TextEscaper.EscapeLine($"{command}: {shown}") + "\n";
    }
}
