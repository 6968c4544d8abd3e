using System;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The result of reading a command line: a command that is ready to run, or a text to print and the exit code for it.
/// Nothing has been run or written yet.
/// </summary>
internal sealed class Invocation
{
    /// <summary>Chosen: about what a terminal shows without scrolling away what was before.</summary>
    private const int MaxLength = 1000;

    private Invocation(string command, Func<int>? run, string text, int exitCode) =>
        (Command, Run, Text, ExitCode) = (command, run, text, exitCode);

    /// <summary>The command as typed: <c>poetry</c> or <c>poetry get</c>.</summary>
    public string Command { get; }

    /// <summary>Runs the command and returns its exit code; null if there is only <see cref="Text"/>.</summary>
    public Func<int>? Run { get; }

    /// <summary>
    /// Whole lines: for standard output if <see cref="ExitCode"/> is 0 and there is nothing to run, else for standard error.
    /// </summary>
    public string Text { get; }

    /// <summary>The exit code that goes with the text.</summary>
    public int ExitCode { get; }

    /// <summary>A command with its options, ready to run.</summary>
    /// <param name="command">As typed.</param>
    /// <param name="run">Returns the exit code.</param>
    /// <param name="warning">Printed to standard error before it runs, without a full stop; null for none.</param>
    public static Invocation Of(string command, Func<int> run, string? warning = null) =>
        new(command, run, warning is null ? string.Empty : LineOf(command, $"warning: {warning}"), Commands.ExitCode.Success);

    /// <summary>Whole lines that the user asked for.</summary>
    public static Invocation Say(string text) => new("poetry", null, text, Commands.ExitCode.Success);

    /// <summary>A usage error in one line, escaped for a terminal.</summary>
    /// <param name="command">As typed.</param>
    /// <param name="problem">Without a full stop.</param>
    public static Invocation Refuse(string command, string problem) =>
        new(command, null, LineOf(command, problem), Commands.ExitCode.WrongUsage);

    /// <summary>One line. Of a very long one the two ends are kept: they name the option and say what is wrong.</summary>
    private static string LineOf(string command, string text)
    {
        string shown = text.Length > MaxLength ? $"{text[..(MaxLength / 2)]}...{text[^(MaxLength / 2)..]}" : text;
        return TextEscaper.EscapeLine($"{command}: {shown}") + "\n";
    }
}
