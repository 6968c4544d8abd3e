namespace Poetry.Commands;

/// <summary>
/// Thrown by a running command if its command line proves wrong, for example because a file does not exist.
/// <see cref="CommandRunner"/> prints it after the name of the command, with exit code 2.
/// </summary>
/// <param name="problem">One line without a full stop; it is escaped when it is printed.</param>
internal sealed class UsageError(string problem) : Exception(problem);
