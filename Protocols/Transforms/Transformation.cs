using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One way to transform a text, independent of any protocol. To add another, derive a class and register it: one line in
/// <see cref="TransformService.BuiltIn"/>.
/// </summary>
internal abstract class Transformation
{
    private readonly byte[] _utf8Name;

    /// <param name="name">The name that clients send. Not empty; without a point or a newline, where the protocols split.</param>
    protected Transformation(string name)
        : this(Encoding.UTF8.GetBytes(name))
    {
        if (name.Length == 0 || name.AsSpan().IndexOfAny('.', '\n') >= 0)
        {
            throw new ArgumentException($"'{name}' cannot be the name of a transformation", nameof(name));
        }
    }

    /// <param name="name">The name that a client sent. The bytes may not be UTF-8.</param>
    private protected Transformation(byte[] name)
    {
        _utf8Name = name;
        Name = Encoding.UTF8.GetString(name);
    }

    /// <summary>The name that clients send.</summary>
    public string Name { get; }

    /// <summary>The bytes of the name, as clients send them.</summary>
    public ReadOnlySpan<byte> Utf8Name => _utf8Name;

    /// <summary>The maximum bytes of the result for a text. Its memory is reserved before a request is admitted.</summary>
    public virtual long MaxResultLength(int textLength) => (long)textLength * TransformService.MaxGrowth;

    /// <summary>The memory, in bytes, that <see cref="Apply"/> may need while a text is transformed, the result included.</summary>
    public virtual long MaxMemory(int textLength) => MaxResultLength(textLength) + TextBuffer.Overhead;

    /// <summary>Transforms a text, at once or later.</summary>
    /// <param name="text">The text in UTF-8. Bytes that are not UTF-8 pass unchanged. Valid until the call returns.</param>
    /// <param name="output">The buffer for the result. The caller owns it. It may be written to until the call returns or, if
    /// a deferred is returned, until the deferred fires or is cancelled.</param>
    /// <returns>Null if the output is complete: the common case, which costs nothing. Otherwise a deferred that fires with the
    /// output when it is complete, or fails. It is cancelled if the result is no longer needed.</returns>
    /// <remarks>An exception has the same effect as a deferred that fails with it.</remarks>
    public abstract Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output);
}
