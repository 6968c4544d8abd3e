using System.Text;

namespace Poetry.Protocols;

/// <summary>The types of a reply of Redis.</summary>
public enum RedisReplyKind
{
    /// <summary>A string or an array that does not exist.</summary>
    Null,

    /// <summary>A line of text, such as OK.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary>Any bytes.</summary>
    Bulk,

    /// <summary>A list of replies.</summary>
    Array,
}

/// <summary>A reply of Redis. Immutable.</summary>
public sealed class RedisReply
{
    internal RedisReply(RedisReplyKind kind) => Kind = kind;

    /// <summary>The type of the reply.</summary>
    public RedisReplyKind Kind { get; }

    /// <summary>True if the string or the array does not exist.</summary>
    public bool IsNull => Kind == RedisReplyKind.Null;

    /// <summary>The number; 0 if the reply is not a number.</summary>
    public long Number { get; internal init; }

    /// <summary>The bytes of a bulk string or a line of text; otherwise none.</summary>
    public ReadOnlyMemory<byte> Bytes { get; internal init; }

    /// <summary>The text of <see cref="Bytes"/>, in UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>The elements of an array; otherwise none.</summary>
    public IReadOnlyList<RedisReply> Elements { get; internal init; } = [];
}
