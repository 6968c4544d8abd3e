namespace Poetry.Protocols;

/// <summary>Why there is no poem.</summary>
/// <param name="Sentence">One line for the user, without a full stop, naming the file.</param>
/// <param name="IsWrongUsage">Does the user have to name another file? False if the right one could not be read.</param>
internal readonly record struct PoemProblem(string Sentence, bool IsWrongUsage);
