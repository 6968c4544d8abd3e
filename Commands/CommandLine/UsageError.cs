using System;

namespace Poetry.Commands;

/// <summary>
/// Thrown by a command that finds only when it runs that its command line is wrong, as for a file that does not exist.
/// <see cref="CommandRunner"/> prints it after the name of the command, with exit code 2.
/// </summary>
/// <param name="problem">One line without a full stop; it is escaped when it is printed.</param>
internal sealed class UsageError(string problem) : Exception(problem);
