namespace Poetry.Protocols;

/// <summary>How a poem travels.</summary>
internal enum PoemFormat : byte
{
    /// <summary>The bytes alone. The end of the connection is the end of the poem.</summary>
    Plain,

    /// <summary>One netstring, so that a poem that was cut off is told from a complete one.</summary>
    Netstring,
}
