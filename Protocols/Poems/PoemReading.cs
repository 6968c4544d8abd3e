using System;
using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reads a file until it stands still, so that a poem is never half old and half new although its file is rewritten in place.
/// A file that was written lately is read twice, with a pause between, and has to be the same.
/// </summary>
/// <remarks>
/// The time of the last change alone does not tell: the kernel notes it when a write begins, in steps of up to 10 ms. A writer
/// that pauses in the middle for longer than <see cref="Pause"/> is not noticed; such a writer should write another file and
/// rename it.
/// </remarks>
/// <param name="name">A regular file, or <c>-</c> for standard input.</param>
/// <param name="format">How the poem travels.</param>
internal sealed class PoemReading(string name, PoemFormat format)
{
    /// <summary>Between two readings. Chosen: twice the step of the kernel's clock.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>A file that was not written for so long is taken to stand still. Chosen: no single write takes that long.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMilliseconds(100);

    /// <summary>Chosen: a second in all.</summary>
    private const int MaxTries = 50;

    /// <summary>Was read once, and has to be the same the next time.</summary>
    private Poem? _candidate;
    private FileStatus _status;
    private int _tries;

    /// <summary>The poem, with a reference for the caller; null if there is none, or not yet.</summary>
    public Poem? Poem { get; private set; }

    /// <summary>Why there is no poem.</summary>
    public PoemProblem Problem { get; private set; }

    /// <summary>Reads, and waits between two readings: for the start of a server, when no client is there yet.</summary>
    public void Finish()
    {
        while (!Step())
        {
            Thread.Sleep(Pause);
        }
    }

    /// <summary>Reads once more.</summary>
    /// <returns>True if that was all; false to be called again after <see cref="Pause"/>.</returns>
    public bool Step()
    {
        if (_candidate is { } candidate)
        {
            _candidate = null;
            if (PoemReader.IsSame(name, candidate, _status))
            {
                Poem = candidate;
                return true;
            }

            candidate.Release();
        }

        if (_tries++ == MaxTries)
        {
            Problem = PoemReader.Unreadable(name, "it keeps changing");
            return true;
        }

        Poem? poem = PoemReader.TryReadOnce(name, format, out PoemProblem problem, out _status, out bool changed);
        if (poem is null)
        {
            Problem = problem;
            return true;
        }

        if (changed)
        {
            poem.Release();
            return false;
        }

        TimeSpan age = _status.AgeAt(DateTime.UtcNow);
        if (age > Settled || _status.Kind != FileKind.Regular)
        {
            Poem = poem;
            return true;
        }

        _candidate = poem;
        return false;
    }
}
