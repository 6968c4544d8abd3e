namespace Poetry.Protocols;

/// <summary>Counts durations in fixed buckets, for the histogram type of Prometheus.</summary>
/// <remarks>Crosses threads: one thread writes, any thread may read. The numbers read may be slightly old.</remarks>
internal sealed class Histogram
{
    /// <summary>Chosen: two bounds per decade, from a poem in memory to one that is delayed by the usual timeout of 60 s.</summary>
    private static readonly double[] UpperBounds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

    private readonly long[] _counts = new long[UpperBounds.Length + 1];
    private long _ticks;

    /// <summary>The upper bounds of the buckets, in seconds; one more bucket has no bound.</summary>
    public static ReadOnlySpan<double> Bounds => UpperBounds;

    /// <summary>The sum of all durations, in seconds.</summary>
    public double Sum => TimeSpan.FromTicks(Volatile.Read(ref _ticks)).TotalSeconds;

    /// <summary>The number of durations in a bucket; the buckets before it are not included.</summary>
    /// <param name="bucket">The bucket's index, from 0 to the number of bounds.</param>
    public long Count(int bucket) => Volatile.Read(ref _counts[bucket]);

    public void Add(TimeSpan duration)
    {
        int bucket = 0;
        double seconds = duration.TotalSeconds;
        while (bucket < UpperBounds.Length && seconds > UpperBounds[bucket])
        {
            bucket++;
        }

        Volatile.Write(ref _counts[bucket], _counts[bucket] + 1);
        Volatile.Write(ref _ticks, _ticks + duration.Ticks);
    }

    /// <summary>Adds the counts of another histogram.</summary>
    public void Add(Histogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other.Count(i);
        }

        _ticks += Volatile.Read(ref other._ticks);
    }
}
