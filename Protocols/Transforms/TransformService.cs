using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Transformations by name: a plain object that has never heard of sockets, behind whatever protocols there are. A name is
/// looked up in a list and nowhere else: nothing that comes over the wire is ever made the name of a type or of a method.
/// </summary>
/// <remarks>
/// One service may stand behind the protocols of several reactors: once serving has begun nothing is registered any more,
/// and the counters are added to by any thread.
/// </remarks>
internal sealed class TransformService
{
    /// <summary>
    /// A text may become so many times as long. Chosen: changing the case of a letter makes it at most half as long again,
    /// numbering lines would treble a text of empty ones; and a request of one megabyte is not to be answered with a hundred.
    /// </summary>
    public const int MostGrowth = 4;

    private readonly List<Transformation> _transformations = [];
    private readonly Func<byte[], Transformation?>? _elsewhere;
    private long _succeeded;
    private long _failed;
    private long _unknown;

    /// <summary>A service that knows nothing yet.</summary>
    /// <param name="elsewhere">Asked for what is not registered, with the name as it came; null, or what it gives is null,
    /// if there is no such transformation.</param>
    public TransformService(Func<byte[], Transformation?>? elsewhere = null)
    {
        _elsewhere = elsewhere;
    }

    /// <summary>The names of what is registered, in that order.</summary>
    public IEnumerable<string> Names
    {
        get
        {
            foreach (Transformation transformation in _transformations)
            {
                yield return transformation.Name;
            }
        }
    }

    /// <summary>Texts that were transformed.</summary>
    public long Succeeded => Interlocked.Read(ref _succeeded);

    /// <summary>Transformations that failed.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Names that were asked for in vain.</summary>
    public long Unknown => Interlocked.Read(ref _unknown);

    /// <summary>Makes a service of all that this program can do.</summary>
    public static TransformService BuiltIn()
    {
        var service = new TransformService();
        service.Register(new Cummingsify());
        service.Register(new Shout());
        service.Register(new Rot13());
        service.Register(new ReverseLines());
        return service;
    }

    /// <summary>Adds a transformation.</summary>
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
    /// <param name="name">Any bytes.</param>
    /// <returns>Null if there is none.</returns>
    public Transformation? Find(ReadOnlySpan<byte> name)
    {
        Transformation? found = Known(name) ?? _elsewhere?.Invoke(name.ToArray());
        if (found is null)
        {
            _ = Interlocked.Increment(ref _unknown);
        }

        return found;
    }

    /// <summary>Transforms a text, at once or later. This never throws: what goes wrong is in the deferred.</summary>
    /// <param name="transformation">What <see cref="Find"/> gave.</param>
    /// <param name="text">See <see cref="Transformation.Apply"/>.</param>
    /// <param name="output">See there; its limit is that of the transformed text.</param>
    /// <returns>Null if all is in the output already. Cancelling it cancels what the transformation does, if that can be.</returns>
    public Deferred<byte[]>? Transform(Transformation transformation, ReadOnlySpan<byte> text, TextBuffer output)
    {
        Deferred<byte[]>? later;
        try
        {
            later = transformation.Apply(text, output);
        }
#pragma warning disable CA1031 // Whatever a transformation does wrong, it costs this request only.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            later = Deferred.Fail<byte[]>(exception);
        }

        if (later is null)
        {
            _ = Interlocked.Increment(ref _succeeded);
            return null;
        }

        return CountLater(later, output.Limit);
    }

    /// <summary>Apart, so that the closure is made only for what is done later.</summary>
    private Deferred<byte[]> CountLater(Deferred<byte[]> later, int limit) => later.AddBoth(outcome => Count(outcome, limit));

    private Outcome<byte[]> Count(Outcome<byte[]> outcome, int limit)
    {
        if (outcome.Succeeded && outcome.Value.Length > limit)
        {
            outcome = new Failure(new TextTooLongError(limit));
        }

        _ = Interlocked.Increment(ref outcome.Succeeded ? ref _succeeded : ref _failed);
        return outcome;
    }

    /// <summary>A few names are found faster by looking at them than by hashing.</summary>
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
