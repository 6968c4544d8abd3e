using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Transformations by name, independent of sockets and protocols. Names are looked up in a list, not by reflection: no
/// input becomes the name of a type or of a method.
/// </summary>
/// <remarks>
/// Crosses threads: the protocols of several reactors may share a service. All transformations are registered before serving
/// begins, and the counters are interlocked.
/// </remarks>
/// <param name="elsewhere">Gets a name that is not registered, and makes a transformation of that name or returns null.</param>
internal sealed class TransformService(Func<byte[], Transformation?>? elsewhere = null)
{
    /// <summary>
    /// The maximum length of a result, as a multiple of the length of the text. Chosen: a change of case makes a letter at most
    /// 1.5 times as long, numbering lines would make a text of empty lines 3 times as long, and the answer to 1 MB should not be
    /// 100 MB.
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

    /// <exception cref="ArgumentException">A transformation of this name is registered already.</exception>
    public void Register(Transformation transformation)
    {
        if (Known(transformation.Utf8Name) is not null)
        {
            throw new ArgumentException($"there is a transformation '{transformation.Name}' already", nameof(transformation));
        }

        _transformations.Add(transformation);
    }

    /// <summary>Finds a transformation by the name that a client sent.</summary>
    /// <returns>The transformation; null if there is none.</returns>
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
    /// <param name="transformation">A transformation that <see cref="Find"/> returned.</param>
    /// <param name="text">The text: see <see cref="Transformation.Apply"/>.</param>
    /// <param name="output">The output: see there. Its limit is the limit of the result.</param>
    /// <returns>Null if the output is complete; else a deferred. Cancelling it cancels the transformation.</returns>
    public Deferred<TextBuffer>? Transform(Transformation transformation, ReadOnlySpan<byte> text, TextBuffer output)
    {
        Deferred<TextBuffer>? later;
        try
        {
            later = transformation.Apply(text, output);
        }
#pragma warning disable CA1031 // An error of a transformation ends only this request.
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

    /// <summary>Finds a registered transformation. With few names a linear search is faster than hashing.</summary>
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

/// <summary>A transformation failed.</summary>
/// <param name="message">The end of a sentence, such as <c>got 5 of 15 bytes</c>.</param>
internal sealed class TransformError(string message) : IOException(message);
