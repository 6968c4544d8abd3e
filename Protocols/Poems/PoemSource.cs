using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A poem that is served, and the file that contains it. The file is read at the start, and again on request. If it can't be
/// read again, the old poem stays.
/// </summary>
/// <remarks>
/// Crosses threads: several reactors share it. <see cref="Acquire"/> may be called on any thread, all other members on one.
/// </remarks>
internal sealed class PoemSource
{
    private readonly PoemFormat _format;
    private Poem _current;

    private PoemSource(string name, PoemFormat format, Poem poem)
    {
        Name = name;
        _format = format;
        _current = poem;
    }

    /// <summary>The name that the user wrote; <c>-</c> is standard input.</summary>
    public string Name { get; }

    /// <summary>True if the poem is from standard input, which can't be read again.</summary>
    public bool IsStandardInput => Name == PoemReader.StandardInput;

    /// <summary>True if the present poem has no bytes.</summary>
    public bool IsEmpty => _current.Length == 0;

    /// <summary>Reads a poem for the first time.</summary>
    /// <returns>Null if it can't be read.</returns>
    public static PoemSource? TryOpen(string name, PoemFormat format, out PoemProblem problem) =>
        PoemReader.TryRead(name, format, out problem) is { } poem ? new PoemSource(name, format, poem) : null;

    /// <summary>Reads a poem for the first time, without blocking the loop while a file is being written.</summary>
    /// <returns>Fires with the source, or with null and the reason. Cancelling it stops reading.</returns>
    public static async Deferred<(PoemSource? Source, PoemProblem Problem)> Open(string name, PoemFormat format, IClock clock)
    {
        PoemReader reading = await new PoemReader(name, format).Finish(clock);
        return (reading.Poem is { } poem ? new PoemSource(name, format, poem) : null, reading.Problem);
    }

    /// <summary>The present poem, with a reference for the caller, who has to call <see cref="Poem.Release"/>.</summary>
    public Poem Acquire()
    {
        while (true)
        {
            Poem poem = Volatile.Read(ref _current);
            if (poem.TryAddRef())
            {
                return poem;
            }

            // The poem was replaced and freed between the two steps: try again with the new one.
        }
    }

    /// <summary>
    /// Reads the poem again. Open connections go on sending the old poem. A file that is being written is read again
    /// after <see cref="PoemReader.Pause"/>, without blocking the loop. One reload must end before the next begins.
    /// </summary>
    /// <param name="clock">The reactor's clock.</param>
    /// <returns>Fires with the reason why the old poem stays, or with the default value. Cancelling it stops reading.</returns>
    public async Deferred<PoemProblem> Reload(IClock clock)
    {
        if (IsStandardInput)
        {
            return default;
        }

        PoemReader reading = await new PoemReader(Name, _format).Finish(clock);
        if (reading.Poem is { } poem)
        {
            Interlocked.Exchange(ref _current, poem).Release();
        }

        return reading.Problem;
    }

    /// <summary>Releases the poem; call <see cref="Acquire"/> no more. Open connections go on sending the poem.</summary>
    public void Close() => _current.Release();
}
