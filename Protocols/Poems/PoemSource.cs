using System.Threading;

namespace Poetry.Protocols;

/// <summary>
/// Where a poem comes from, and the poem that is served now. Read at the start and when told to; a poem that can't be read
/// again leaves the old one in place.
/// </summary>
/// <remarks>
/// Crosses threads: reactors on several of them share it. <see cref="Acquire"/> may be called from any, <see cref="Reload"/> from one.
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

    /// <summary>Is it from standard input, which has been read to its end?</summary>
    public bool IsStandardInput => Name == PoemReader.StandardInput;

    /// <summary>Has it no byte now? Only its reloading changes that, so ask where that is done.</summary>
    public bool IsEmpty => _current.Length == 0;

    /// <summary>Reads a poem for the first time.</summary>
    /// <param name="name">A file, or <c>-</c> for standard input.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>Null if it can't be read.</returns>
    public static PoemSource? TryOpen(string name, PoemFormat format, out PoemProblem problem) =>
        PoemReader.TryRead(name, format, out problem) is { } poem ? new PoemSource(name, format, poem) : null;

    /// <summary>The poem of this moment, held for the caller, who has to <see cref="Poem.Release"/> of it.</summary>
    public Poem Acquire()
    {
        while (true)
        {
            Poem poem = Volatile.Read(ref _current);
            if (poem.TryAddRef())
            {
                return poem;
            }

            // Replaced between the two steps: the new one is there already.
        }
    }

    /// <summary>Reads it again. Connections under way keep the one that they began with.</summary>
    /// <param name="problem">Why the old poem stays.</param>
    /// <returns>False if the old one stays; one from standard input stays without a problem.</returns>
    public bool Reload(out PoemProblem problem)
    {
        problem = default;
        if (IsStandardInput)
        {
            return true;
        }

        if (PoemReader.TryRead(Name, _format, out problem) is not { } poem)
        {
            return false;
        }

        Interlocked.Exchange(ref _current, poem).Release();
        return true;
    }
}
