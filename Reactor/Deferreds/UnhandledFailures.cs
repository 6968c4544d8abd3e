namespace Poetry.Net;

/// <summary>
/// The failures of deferreds at rest that no function has handled. A deferred that is no longer referenced in that state is
/// reported once, as "Unhandled error in Deferred". A deferred that succeeds, or whose failure is handled while its chain
/// runs, is never listed here.
/// </summary>
/// <remarks>
/// <para>
/// Each reactor has one of these for the deferreds of its thread, and reports to its log. A thread that has never run a
/// reactor also has one: its failures are reported by a reactor that starts on that thread later, or on standard error at the
/// end of the process.
/// </para>
/// <para>
/// Only the garbage collector knows that a deferred is no longer referenced, and in a server that allocates nothing it may
/// never run. So a sweep before the loop sleeps runs it if there are failures at rest: one second after a failure has come to
/// rest, then after two, four and so on up to a quarter of an hour, because a failed deferred may also be kept on purpose.
/// </para>
/// <para>
/// At most <see cref="MaxKept"/> failures are kept with their exceptions; the others share one entry that counts them.
/// </para>
/// <para>
/// Threads: the finalizer thread counts lost failures, without the lock; a test may collect from another thread. The lock is
/// taken only for failures at rest, so all threads share one.
/// </para>
/// </remarks>
/// <param name="report">Gets the text of a report and the failure, which is null if the text counts several failures. This
/// parameter is null on a thread without a reactor.</param>
internal sealed class UnhandledFailures(Action<string, Failure?>? report)
{
    /// <summary>Chosen: enough to find a bug, and about a megabyte with their stack traces.</summary>
    internal const int MaxKept = 1000;

    private const string What = "Unhandled error in Deferred";

    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    /// <summary>A collection of a small heap takes a millisecond or less: four an hour cost nothing.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1024);

    /// <summary>The failures of threads without a reactor.</summary>
    private static readonly List<UnhandledFailures> Orphans = [];

    private static readonly Lock Gate = new();

    [ThreadStatic]
    private static UnhandledFailures? _current;

    private readonly bool _isOrphan = report is null;
    private readonly Action<string, Failure?> _report = report ?? ReportToStandardError;
    private readonly IntrusiveList<Entry> _entries = new();
    private Entry? _notKept;
    private TimeSpan _nextCollection = TimeSpan.MinValue;
    private TimeSpan _wait = MinWait;
    private bool _hasNew;

    /// <summary>The object of this thread: the reactor's object, if a reactor is running.</summary>
    public static UnhandledFailures Current => _current ?? MakeOrphan();

    /// <summary>The number of unhandled failures at rest, whether their deferreds are referenced or not.</summary>
    public long Count { get; private set; }

    /// <summary>The number of failures that were reported or counted as lost until now.</summary>
    public long LostCount { get; private set; }

    /// <summary>Takes the failures of all threads without a reactor. Used by tests.</summary>
    /// <param name="lostOnly">True to take only the failures whose deferreds are no longer referenced.</param>
    public static Failure[] TakeOrphans(bool lostOnly)
    {
        if (lostOnly)
        {
            CollectGarbage();
        }

        var taken = new List<Failure>();
        foreach (UnhandledFailures orphan in AllOrphans())
        {
            orphan.Report(lostOnly, (_, failure) => taken.Add(failure ?? new Failure(new OverflowException("more were lost"))));
        }

        return [.. taken];
    }

    /// <summary>Makes this the object of the present thread, and takes over the failures that the thread had before.</summary>
    /// <returns>The previous object, which <see cref="Leave"/> needs.</returns>
    public UnhandledFailures? Enter()
    {
        UnhandledFailures? outer = _current;
        _current = this;
        if (outer is { _isOrphan: true })
        {
            lock (Gate)
            {
                while (outer._entries.First is { } entry)
                {
                    int count = entry.Count;
                    outer.Remove(entry, count);
                    Add(entry, count);
                }
            }
        }

        return outer;
    }

    /// <summary>Called when the reactor has ended: reports every failure at rest, of referenced deferreds too.</summary>
    public void Leave(UnhandledFailures? outer)
    {
        Flush();
        Restore(outer);
    }

    /// <summary>Undoes <see cref="Enter"/>, without a report.</summary>
    internal static void Restore(UnhandledFailures? outer) => _current = outer;

    /// <summary>
    /// Reports the failures that are known to be lost, and from time to time runs the garbage collector to find them. Called
    /// before every sleep of the loop; without failures at rest it costs two comparisons.
    /// </summary>
    /// <returns>The latest time of the next call; null if there are no failures at rest.</returns>
    public TimeSpan? Sweep(TimeSpan now)
    {
        if (Count == 0)
        {
            return null;
        }

        if (_hasNew)
        {
            _hasNew = false;
            _wait = MinWait;
            _nextCollection = now + _wait;
        }

        if (now >= _nextCollection)
        {
            _wait = _wait < MaxWait ? _wait * 2 : MaxWait;
            _nextCollection = now + _wait;
            CollectGarbage();
        }

        Report(lostOnly: true, _report);
        return Count == 0 ? null : _nextCollection;
    }

    /// <summary>Reports every failure at rest, whether its deferred is referenced or not.</summary>
    public void Flush() => Report(lostOnly: false, _report);

    /// <summary>Reports an error that no deferred can hold: at once, if a reactor is running.</summary>
    /// <param name="what">The text of the report, such as "Unhandled error in canceller".</param>
    /// <param name="failure">The error.</param>
    internal void Report(string what, Failure failure)
    {
        if (_isOrphan)
        {
            lock (Gate)
            {
                var entry = new Entry(what, failure);
                Add(entry, 1);
                entry.Lose();
            }

            return;
        }

        LostCount++;
        _report(what, failure);
    }

    /// <summary>Adds the failure of a deferred that has come to rest.</summary>
    internal Entry Add(Failure failure)
    {
        lock (Gate)
        {
            Entry entry = _entries.Count < MaxKept ? new Entry(What, failure)
                : _notKept?.Owner == this ? _notKept
                : _notKept = new Entry(What, failure: null);
            Add(entry, 1);
            _hasNew = true;
            return entry;
        }
    }

    private static UnhandledFailures MakeOrphan()
    {
        _current = new UnhandledFailures(report: null);
        lock (Gate)
        {
            if (Orphans.Count == 0)
            {
                AppDomain.CurrentDomain.ProcessExit += static (_, _) => Array.ForEach(AllOrphans(), static orphan => orphan.Flush());
            }

            Orphans.Add(_current);
        }

        return _current;
    }

    private static UnhandledFailures[] AllOrphans()
    {
        lock (Gate)
        {
            return [.. Orphans];
        }
    }

    private static void ReportToStandardError(string what, Failure? failure) => StandardErrorLog.Write(what, failure?.Exception);

    private static void CollectGarbage()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private void Report(bool lostOnly, Action<string, Failure?> to)
    {
        List<(string What, Failure? Failure)>? reports = null;
        lock (Gate)
        {
            for (Entry? entry = _entries.First, next; entry is not null; entry = next)
            {
                next = IntrusiveList<Entry>.Next(entry);
                int count = lostOnly ? entry.TakeLost() : entry.Count;
                if (count > 0)
                {
                    string what = entry.Failure is null ? $"{What}: {count} more, which were not kept" : entry.What;
                    (reports ??= []).Add((what, entry.Failure));
                    Remove(entry, count);
                    LostCount += count;
                }
            }
        }

        reports?.ForEach(one => to(one.What, one.Failure));
    }

    private void Add(Entry entry, int count)
    {
        if (entry.Owner is null)
        {
            entry.Owner = this;
            _entries.AddLast(entry);
        }

        entry.Count += count;
        Count += count;
    }

    private void Remove(Entry entry, int count)
    {
        entry.Count -= count;
        Count -= count;
        if (entry.Count == 0)
        {
            _entries.Remove(entry);
            entry.Owner = null;
        }
    }

    /// <summary>A failure at rest that is kept, or the number of failures that are not. It does not hold the deferred.</summary>
    /// <param name="what">The text of the report.</param>
    /// <param name="failure">The failure; null in the entry that counts failures that are not kept.</param>
    internal sealed class Entry(string what, Failure? failure) : IListElement<Entry>
    {
        private ListLinks<Entry> _links;
        private int _lostCount;

        public string What { get; } = what;

        public Failure? Failure { get; } = failure;

        /// <summary>The object that lists the entry; null when all of its failures have been handled or reported.</summary>
        public UnhandledFailures? Owner { get; set; }

        public int Count { get; set; }

        ref ListLinks<Entry> IListElement<Entry>.Links => ref _links;

        /// <summary>Counts a failure whose deferred is no longer referenced. Called on the finalizer thread.</summary>
        public void Lose() => Interlocked.Increment(ref _lostCount);

        public int TakeLost() => Volatile.Read(ref _lostCount) == 0 ? 0 : Interlocked.Exchange(ref _lostCount, 0);

        /// <summary>Removes a failure that has been handled.</summary>
        public void Take()
        {
            lock (Gate)
            {
                Owner?.Remove(this, 1);
            }
        }
    }
}
