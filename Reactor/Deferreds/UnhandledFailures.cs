using System;
using System.Collections.Generic;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// The failures that deferreds rest with and that no function has handled. A deferred that is no longer referenced in that
/// state is reported once, as "Unhandled error in Deferred". A deferred that succeeds, or whose failure is handled while its
/// chain runs, never gets here.
/// </summary>
/// <remarks>
/// <para>
/// Each reactor has one of these for the deferreds of its thread, and reports to its log. A thread that has never run a
/// reactor has one too: what it holds is reported when a reactor starts on that thread, or at the end of the process on
/// standard error.
/// </para>
/// <para>
/// Only the garbage collector knows that a deferred is no longer referenced, and in a server that allocates nothing it may
/// never run. So a sweep before the loop sleeps runs it if failures are resting: one second after a failure has come to rest,
/// then after two, four and so on up to a quarter of an hour, since a failed deferred may also be kept on purpose.
/// </para>
/// <para>
/// At most <see cref="MaxKept"/> failures are kept with their exceptions; what is lost beyond is counted.
/// </para>
/// <para>
/// Threads: the finalizer thread marks entries and counts; a test may collect from another thread. The lock is taken only
/// for failures at rest.
/// </para>
/// </remarks>
/// <param name="report">Gets a line that says what it is, and the failure; null for a line that counts others.</param>
internal sealed class UnhandledFailures(Action<string, Failure?> report)
{
    /// <summary>Chosen: enough to find a mistake by, and about a megabyte with their stack traces.</summary>
    internal const int MaxKept = 1000;

    private const string What = "Unhandled error in Deferred";

    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    /// <summary>A collection of a small heap takes a millisecond or less: four an hour cost nothing.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1024);

    /// <summary>Those of threads without a reactor.</summary>
    private static readonly List<UnhandledFailures> Orphans = [];

    [ThreadStatic]
    private static UnhandledFailures? _current;

    private readonly Lock _gate = new();
    private readonly bool _isOrphan;
    private readonly IntrusiveList<Entry> _entries = new();
    private TimeSpan _nextCollection = TimeSpan.MinValue;
    private TimeSpan _wait = MinWait;
    private bool _hasNew;
    private long _notKept;
    private long _notKeptLost;
    private int _epoch;

    private UnhandledFailures()
        : this(ReportToStandardError)
    {
        _isOrphan = true;
    }

    /// <summary>The one of this thread: its reactor's, if one is running.</summary>
    public static UnhandledFailures Current => _current ?? MakeOrphan();

    /// <summary>The failures that rest unhandled, whether their deferreds are referenced or not.</summary>
    public long Count => _entries.Count + _notKept;

    /// <summary>The failures that were reported or counted as lost until now.</summary>
    public long LostCount { get; private set; }

    /// <summary>Takes all failures of threads without a reactor: for tests.</summary>
    /// <param name="lostOnly">True for those whose deferreds are no longer referenced.</param>
    public static Failure[] TakeOrphans(bool lostOnly)
    {
        if (lostOnly)
        {
            CollectGarbage();
        }

        UnhandledFailures[] orphans;
        lock (Orphans)
        {
            orphans = [.. Orphans];
        }

        var taken = new List<Failure>();
        foreach (UnhandledFailures orphan in orphans)
        {
            orphan.Report(lostOnly, (_, failure) => taken.Add(failure ?? new Failure(new OverflowException("more were lost"))));
        }

        return [.. taken];
    }

    /// <summary>Makes this the one of the present thread, with what its thread has lost until now.</summary>
    /// <returns>To be given to <see cref="Leave"/>.</returns>
    public UnhandledFailures? Enter()
    {
        UnhandledFailures? outer = _current;
        _current = this;
        if (outer is { _isOrphan: true })
        {
            lock (outer._gate)
            {
                while (outer._entries.First is { } entry)
                {
                    outer.Unlink(entry);
                    lock (_gate)
                    {
                        Link(entry);
                    }
                }
            }
        }

        return outer;
    }

    /// <summary>The reactor has ended: reports every failure that rests, whether its deferred is referenced or not.</summary>
    public void Leave(UnhandledFailures? outer)
    {
        Flush();
        Restore(outer);
    }

    /// <summary>Undoes <see cref="Enter"/>, without a report.</summary>
    internal static void Restore(UnhandledFailures? outer) => _current = outer;

    /// <summary>
    /// Reports what is known to be lost, and runs the garbage collector now and then to find out. Called before every sleep
    /// of the loop; without resting failures it is two comparisons.
    /// </summary>
    /// <returns>When it has to be called again at the latest; null if nothing rests.</returns>
    public TimeSpan? Sweep(TimeSpan now)
    {
        if (_entries.Count == 0 && _notKept == 0)
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

        Report(lostOnly: true, report);
        return Count == 0 ? null : _nextCollection;
    }

    /// <summary>Reports every failure that rests, whether its deferred is referenced or not.</summary>
    public void Flush() => Report(lostOnly: false, report);

    /// <summary>Reports an error that no deferred can be given: at once, if a reactor is running.</summary>
    /// <param name="what">Says what it is, such as "Unhandled error in canceller".</param>
    /// <param name="failure">The error.</param>
    internal void Report(string what, Failure failure)
    {
        if (_isOrphan)
        {
            lock (_gate)
            {
                Link(new Entry(what, failure) { IsLost = true });
            }

            return;
        }

        LostCount++;
        report(what, failure);
    }

    /// <summary>A deferred has come to rest with a failure.</summary>
    /// <returns>Null if so many rest already that this one is only counted.</returns>
    internal Entry? Add(Failure failure, out int epoch)
    {
        lock (_gate)
        {
            epoch = _epoch;
            _hasNew = true;
            if (_entries.Count >= MaxKept)
            {
                _notKept++;
                return null;
            }

            var entry = new Entry(What, failure);
            Link(entry);
            return entry;
        }
    }

    /// <summary>A failure that was only counted has been handled.</summary>
    internal void NotKeptTaken(int epoch)
    {
        lock (_gate)
        {
            _notKept -= epoch == _epoch ? 1 : 0;
        }
    }

    /// <summary>A failure that was only counted is lost. Called on the finalizer thread.</summary>
    internal void NotKeptIsLost(int epoch)
    {
        if (epoch == Volatile.Read(ref _epoch))
        {
            Interlocked.Increment(ref _notKeptLost);
        }
    }

    private static UnhandledFailures MakeOrphan()
    {
        var orphan = new UnhandledFailures();
        lock (Orphans)
        {
            if (Orphans.Count == 0)
            {
                AppDomain.CurrentDomain.ProcessExit += static (_, _) => ReportOrphans();
            }

            Orphans.Add(orphan);
        }

        _current = orphan;
        return orphan;
    }

    private static void ReportOrphans()
    {
        lock (Orphans)
        {
            Orphans.ForEach(static orphan => orphan.Flush());
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
        Entry? entry = _entries.First;
        while (entry is not null)
        {
            Entry? next = IntrusiveList<Entry>.Next(entry);
            if (!lostOnly || entry.IsLost)
            {
                bool isMine;
                lock (_gate)
                {
                    isMine = entry.Owner == this;
                    if (isMine)
                    {
                        Unlink(entry);
                        LostCount++;
                    }
                }

                if (isMine)
                {
                    to(entry.What, entry.Failure);
                }
            }

            entry = next;
        }

        ReportNotKept(lostOnly, to);
    }

    private void ReportNotKept(bool lostOnly, Action<string, Failure?> to)
    {
        long lost;
        lock (_gate)
        {
            lost = Interlocked.Exchange(ref _notKeptLost, 0);
            if (!lostOnly)
            {
                lost = _notKept;
                _epoch++;
            }

            _notKept -= lost;
            LostCount += lost;
        }

        if (lost > 0)
        {
            to($"{What}: {lost} more, which were not kept", null);
        }
    }

    private void Link(Entry entry)
    {
        entry.Owner = this;
        _entries.AddLast(entry);
    }

    private void Unlink(Entry entry)
    {
        _entries.Remove(entry);
        entry.Owner = null;
    }

    /// <summary>A resting failure that is kept. It holds the failure and not the deferred.</summary>
    internal sealed class Entry(string what, Failure failure) : IListElement<Entry>
    {
        private ListLinks<Entry> _links;
        private volatile bool _isLost;

        public string What { get; } = what;

        public Failure Failure { get; } = failure;

        public UnhandledFailures? Owner { get; set; }

        ref ListLinks<Entry> IListElement<Entry>.Links => ref _links;

        /// <summary>Set by the finalizer thread: the deferred is no longer referenced.</summary>
        public bool IsLost
        {
            get => _isLost;
            set => _isLost = value;
        }

        /// <summary>The failure has been handled.</summary>
        public void Taken()
        {
            if (Owner is { } owner)
            {
                lock (owner._gate)
                {
                    if (Owner == owner)
                    {
                        owner.Unlink(this);
                    }
                }
            }
        }
    }
}
