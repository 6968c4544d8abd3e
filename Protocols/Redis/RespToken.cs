namespace Poetry.Protocols;

/// <summary>The kinds of <see cref="RespToken"/>.</summary>
internal enum RespKind : byte
{
    /// <summary>A line of text, such as OK.</summary>
    Text,

    /// <summary>A line with an error; its first word is a code.</summary>
    Error,

    Integer,

    /// <summary>A bulk string begins, and its length is known.</summary>
    BulkStart,

    /// <summary>The next bytes of the bulk string: at least one.</summary>
    BulkData,

    /// <summary>The bulk string is complete.</summary>
    BulkEnd,

    /// <summary>A bulk string or an array that does not exist.</summary>
    Null,

    /// <summary>An array begins, and the number of its elements is known.</summary>
    Array,
}

/// <summary>A piece of a reply.</summary>
/// <param name="kind">The kind of the piece.</param>
/// <param name="value">The number, the length of the bulk string in bytes, or the count of the elements.</param>
/// <param name="bytes">The line without its end, or the next bytes of the bulk string. Valid until the next read.</param>
/// <param name="endsReply">True if the reply is complete.</param>
internal readonly ref struct RespToken(RespKind kind, long value, ReadOnlySpan<byte> bytes, bool endsReply)
{
    public RespKind Kind { get; } = kind;

    public long Value { get; } = value;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public bool EndsReply { get; } = endsReply;
}
