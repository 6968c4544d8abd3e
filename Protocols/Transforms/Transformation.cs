using System;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One way to transform a text. It knows nothing of who asks and how. To add another, derive a class and register it: one
/// line in <see cref="TransformService.BuiltIn"/>.
/// </summary>
internal abstract class Transformation
{
    private readonly byte[] _utf8Name;

    /// <summary>Names it.</summary>
    /// <param name="name">What clients ask for. Not empty, and without a point or a newline, where the protocols split.</param>
    protected Transformation(string name)
        : this(Encoding.UTF8.GetBytes(name))
    {
        if (name.Length == 0 || name.AsSpan().IndexOfAny('.', '\n') >= 0)
        {
            throw new ArgumentException($"'{name}' cannot be the name of a transformation", nameof(name));
        }
    }

    /// <summary>Names it as a client did, whose bytes may be no text.</summary>
    private protected Transformation(byte[] name)
    {
        _utf8Name = name;
        Name = Encoding.UTF8.GetString(name);
    }

    /// <summary>What clients ask for.</summary>
    public string Name { get; }

    /// <summary>The same in UTF-8, as it comes over the wire.</summary>
    public ReadOnlySpan<byte> Utf8Name => _utf8Name;

    /// <summary>Transforms a text, at once or later.</summary>
    /// <param name="text">UTF-8, and perhaps bytes that are not, which are to pass unchanged. Valid until the call returns:
    /// one that goes on later keeps a copy.</param>
    /// <param name="output">Takes the transformed text, which may be shorter or longer. To be used until the call returns.</param>
    /// <returns>Null if all of it was written to the output: the common case, which costs nothing. Otherwise a deferred
    /// that will fire with the transformed text, or fail; it is cancelled when nobody waits for it any more.</returns>
    /// <remarks>An exception is as good as a deferred that failed with it.</remarks>
    public abstract Deferred<byte[]>? Apply(ReadOnlySpan<byte> text, TextBuffer output);
}
