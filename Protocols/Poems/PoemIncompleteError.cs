using System.IO;

namespace Poetry.Protocols;

/// <summary>The poem was not received, or not all of it.</summary>
/// <param name="message">One line for the user, without a full stop.</param>
internal sealed class PoemIncompleteError(string message) : IOException(message)
{
    /// <summary>True if another try or another server may bring the poem: it was cut off, empty, or the server was silent.</summary>
    public bool MayRetry { get; init; }
}
