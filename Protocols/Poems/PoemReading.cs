using System;
using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reads a file until it stands still, so that a poem is never half old and half new although its file is rewritten in place.
/// A file that was written lately is read twice, with a pause between, and has to be the same; a file that is open for writing
/// is waited for.
/// </summary>
/// <remarks>
/// The time of the last change alone does not tell: the kernel notes it when a write begins, in steps of up to 10 ms. A writer
/// that pauses in the middle for longer than <see cref="Abandoned"/> is not noticed; where the system does not tell of writers,
/// one that pauses for longer than <see cref="Pause"/>. Such a writer should write another file and rename it.
/// </remarks>
/// <param name="name">A regular file, or <c>-</c> for standard input.</param>
/// <param name="format">How the poem travels.</param>
internal sealed class PoemReading(string name, PoemFormat format)
{
    /// <summary>Between two readings. Chosen: twice the step of the kernel's clock.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>A file that was not written for so long is read once. Chosen: no single write takes that long.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A file that was not written for so long stands still, even if it is open for writing. Chosen: a program that keeps a file
    /// open does not have to close it, and a write that is held up by a busy machine is over by then.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(2);

    /// <summary>Chosen: three seconds in all, which is longer than <see cref="Abandoned"/>.</summary>
    private const int MaxTries = 150;

    /// <summary>Of the last reading, which the next one has to equal. A hash of 32 bits is enough, since size and time are
    /// compared as well, and no second poem is in memory.</summary>
    private int? _hash;
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

    /// <summary>The same on a loop, which goes on meanwhile.</summary>
    /// <returns>Fires with this, at once if one reading is enough. Cancelling it stops reading.</returns>
    public async Deferred<PoemReading> Finish(IClock clock)
    {
        while (!Step())
        {
            _ = await clock.Sleep(Pause);
        }

        return this;
    }

    /// <summary>Reads once more.</summary>
    /// <returns>True if that was all; false to be called again after <see cref="Pause"/>.</returns>
    private bool Step()
    {
        if (_tries++ == MaxTries)
        {
            Problem = PoemReader.Unreadable(name, "it keeps changing");
            return true;
        }

        FileStatus earlier = _status;
        Poem? poem = PoemReader.TryReadOnce(name, format, out PoemProblem problem, out _status, out bool isWritten, out bool changed);
        if (poem is null)
        {
            Problem = problem;
            return true;
        }

        TimeSpan age = _status.AgeAt(DateTime.UtcNow);
        if (!changed && (!isWritten || age >= Abandoned)
            && (age > Settled || _status.Kind != FileKind.Regular || EqualsLast(poem, earlier)))
        {
            Poem = poem;
            return true;
        }

        poem.Release();
        return false;
    }

    /// <summary>True if the poem and its file are as they were at the last reading.</summary>
    private bool EqualsLast(Poem poem, in FileStatus earlier)
    {
        var hash = default(HashCode);
        foreach (ReadOnlyMemory<byte> part in poem.Parts)
        {
            hash.AddBytes(part.Span);
        }

        int? last = _hash;
        _hash = hash.ToHashCode();
        return _hash == last && _status.IsUnchangedSince(earlier);
    }
}

/// <summary>Why there is no poem.</summary>
/// <param name="Sentence">One line for the user, without a full stop, naming the file.</param>
/// <param name="IsWrongUsage">True if the user has to name another file; false if the right one could not be read.</param>
internal readonly record struct PoemProblem(string Sentence, bool IsWrongUsage);
