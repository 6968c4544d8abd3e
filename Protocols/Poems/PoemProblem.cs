namespace Poetry.Protocols;

/// <summary>Why there is no poem.</summary>
/// <param name="Sentence">One line for the user, without a full stop, naming the file.</param>
/// <param name="IsWrongUsage">True if the user has to name another file; false if the right one could not be read.</param>
internal readonly record struct PoemProblem(string Sentence, bool IsWrongUsage);
