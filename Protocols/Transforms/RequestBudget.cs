using System.Diagnostics;
using System.Threading;

namespace Poetry.Protocols;

/// <summary>
/// What all requests for transformations that are under way may hold in memory together, on all reactors of the process.
/// Crosses threads: one number, changed by interlocked operations, and only for what is long.
/// </summary>
/// <param name="mostBytes">The limit; <see cref="long.MaxValue"/> for none.</param>
internal sealed class RequestBudget(long mostBytes)
{
    /// <summary>
    /// What a request may hold without asking. Chosen: the smallest buffer there is, so that what is short costs a
    /// comparison, and ten thousand of them 40 MiB.
    /// </summary>
    public const int FreeBytes = 4096;

    private long _takenBytes;

    /// <summary>The limit.</summary>
    public long MostBytes => mostBytes;

    /// <summary>What is held now by requests that are long.</summary>
    public long TakenBytes => Volatile.Read(ref _takenBytes);

    /// <summary>Takes so much, if there is so much.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _takenBytes, bytes) <= mostBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    /// <summary>Takes so much, for what can't be refused any more: then others are.</summary>
    public void Take(int bytes) => Interlocked.Add(ref _takenBytes, bytes);

    /// <summary>Gives back what was taken.</summary>
    public void Return(int bytes)
    {
        long left = Interlocked.Add(ref _takenBytes, -bytes);
        Debug.Assert(left >= 0, "no more is given back than was taken");
    }
}
