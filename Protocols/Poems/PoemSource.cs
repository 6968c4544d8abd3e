using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A poem that is served, and the file that it is read from: at the start, and again on request. If the file can't be read
/// again, the old poem stays.
/// </summary>
/// <remarks>
/// Crosses threads: several reactors share it. <see cref="Acquire"/> may be called on any thread, the rest on one.
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

    /// <summary>As the user wrote it; <c>-</c> is standard input.</summary>
    public string Name { get; }

    /// <summary>True if the poem is from standard input, which can't be read again.</summary>
    public bool IsStandardInput => Name == PoemReader.StandardInput;

    /// <summary>True if the present poem has no bytes.</summary>
    public bool IsEmpty => _current.Length == 0;

    /// <summary>Reads a poem for the first time.</summary>
    /// <returns>Null if it can't be read.</returns>
    public static PoemSource? TryOpen(string name, PoemFormat format, out PoemProblem problem) =>
        PoemReader.TryRead(name, format, out problem) is { } poem ? new PoemSource(name, format, poem) : null;

    /// <summary>The same on a loop, which does not wait for a file that is being written.</summary>
    /// <returns>Fires with the source, or with null and why there is none. Cancelling it stops reading.</returns>
    public static async Deferred<(PoemSource? Source, PoemProblem Problem)> Open(string name, PoemFormat format, IClock clock)
    {
        PoemReader reading = await new PoemReader(name, format).Finish(clock);
        return (reading.Poem is { } poem ? new PoemSource(name, format, poem) : null, reading.Problem);
    }

    /// <summary>The present poem, with a reference for the caller, which it has to <see cref="Poem.Release"/>.</summary>
    public Poem Acquire()
    {
        while (true)
        {
            Poem poem = Volatile.Read(ref _current);
            if (poem.TryAddRef())
            {
                return poem;
            }

            // It was replaced and freed between the two steps: the new one is there.
        }
    }

    /// <summary>
    /// Reads the poem again. Connections go on with the poem that they began with. A file that is being written is read again
    /// after <see cref="PoemReader.Pause"/>; the loop does not wait for it. One reload must end before the next begins.
    /// </summary>
    /// <param name="clock">The reactor's.</param>
    /// <returns>Fires with why the old poem stays, or with the default value. Cancelling it stops reading.</returns>
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

    /// <summary>Releases the poem, which is not asked for any more. Connections go on with it.</summary>
    public void Close() => _current.Release();
}
