using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Transformations by name, independent of sockets and protocols. A name is looked up in a list and nowhere else: no input
/// becomes the name of a type or of a method.
/// </summary>
/// <remarks>
/// Crosses threads: the protocols of several reactors may share a service. All transformations are registered before serving
/// begins, and the counters are interlocked.
/// </remarks>
/// <param name="elsewhere">Makes a transformation that is not registered from its name, or returns null.</param>
internal sealed class TransformService(Func<byte[], Transformation?>? elsewhere = null)
{
    /// <summary>
    /// The longest result is so many times as long as the text. Chosen: changing the case of a letter makes it at most half as
    /// long again, numbering lines would treble a text of empty lines, and a megabyte should not be answered with a hundred.
    /// </summary>
    public const int MaxGrowth = 4;

    private readonly List<Transformation> _transformations = [];
    private long _succeeded;
    private long _failed;
    private long _unknown;

    public IEnumerable<string> Names => _transformations.ConvertAll(static transformation => transformation.Name);

    public long Succeeded => Interlocked.Read(ref _succeeded);

    public long Failed => Interlocked.Read(ref _failed);

    public long Unknown => Interlocked.Read(ref _unknown);

    /// <summary>Makes a service with all transformations of this program.</summary>
    public static TransformService BuiltIn()
    {
        var service = new TransformService();
        service.Register(new Cummingsify());
        service.Register(new Shout());
        service.Register(new Rot13());
        service.Register(new ReverseLines());
        return service;
    }

    /// <exception cref="ArgumentException">Its name is taken.</exception>
    public void Register(Transformation transformation)
    {
        if (Known(transformation.Utf8Name) is not null)
        {
            throw new ArgumentException($"there is a transformation '{transformation.Name}' already", nameof(transformation));
        }

        _transformations.Add(transformation);
    }

    /// <summary>Finds a transformation by the name that a client sent.</summary>
    /// <returns>Null if there is none.</returns>
    public Transformation? Find(ReadOnlySpan<byte> name)
    {
        Transformation? found = Known(name) ?? elsewhere?.Invoke(name.ToArray());
        if (found is null)
        {
            _ = Interlocked.Increment(ref _unknown);
        }

        return found;
    }

    /// <summary>Transforms a text, at once or later. It never throws: errors are in the deferred.</summary>
    /// <param name="transformation">What <see cref="Find"/> gave.</param>
    /// <param name="text">See <see cref="Transformation.Apply"/>.</param>
    /// <param name="output">See there; its limit is the limit of the result.</param>
    /// <returns>Null if the output is complete. Cancelling it cancels the transformation.</returns>
    public Deferred<TextBuffer>? Transform(Transformation transformation, ReadOnlySpan<byte> text, TextBuffer output)
    {
        Deferred<TextBuffer>? later;
        try
        {
            later = transformation.Apply(text, output);
        }
#pragma warning disable CA1031 // Whatever a transformation does wrong, it costs this request only.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            later = Deferred.Fail<TextBuffer>(exception);
        }

        if (later is null)
        {
            _ = Interlocked.Increment(ref _succeeded);
            return null;
        }

        return later.AddBoth(outcome =>
        {
            _ = Interlocked.Increment(ref outcome.Succeeded ? ref _succeeded : ref _failed);
            return outcome;
        });
    }

    /// <summary>With a few names a linear search is faster than hashing.</summary>
    private Transformation? Known(ReadOnlySpan<byte> name)
    {
        foreach (Transformation transformation in _transformations)
        {
            if (name.SequenceEqual(transformation.Utf8Name))
            {
                return transformation;
            }
        }

        return null;
    }
}

/// <summary>A transformation could not be done.</summary>
/// <param name="message">The end of a sentence, such as <c>got 5 of 15 bytes</c>.</param>
internal sealed class TransformError(string message) : IOException(message);
