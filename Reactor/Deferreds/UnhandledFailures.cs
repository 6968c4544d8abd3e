using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// Failures that deferreds rest with and nobody has taken. One that is forgotten in that state is reported, once, as
/// "Unhandled error in Deferred": a bug that would otherwise be silent. A deferred that succeeds, or whose failure is
/// handled while its chain runs, never comes near this file.
/// </summary>
/// <remarks>
/// <para>
/// Threads: every thread has a ledger of its own, for deferreds belong to a thread, and so nothing is locked. The one thing
/// that crosses is a mark in a <see cref="Entry"/>, which the finalizer thread sets and the owner of the ledger reads. The
/// <see cref="Sink"/> is called on the thread that calls <see cref="Sweep"/> or <see cref="Flush"/>, which is the reactor's.
/// </para>
/// <para>
/// That a deferred was forgotten is for the garbage collector to find out, and in a server that allocates nothing it may
/// never run. So a sweep, at a quiet moment of the loop, has it run if there is a failure to ask about: one second after a
/// failure has come to rest, then after two, four and so on up to about a quarter of an hour, for a failed deferred may
/// also be kept for later. Without a resting failure a sweep is one comparison.
/// </para>
/// </remarks>
public static class UnhandledFailures
{
    /// <summary>A failure is asked about this long after it came to rest, then at doubled distances.</summary>
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    /// <summary>A collection of a small heap takes a millisecond or less: four an hour are nothing.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1024);

    [ThreadStatic]
    private static Ledger? _ledger;

    /// <summary>
    /// Is given each failure that was lost, with a line that says what it is, and writes both where the program writes its
    /// errors: <c>(what, failure) => log(what + failure)</c>. Set once, at start; it must not throw. While there is none,
    /// failures stay in the ledger.
    /// </summary>
    public static Action<string, Failure>? Sink { get; set; }

    /// <summary>The failures that rest unhandled on this thread, forgotten or not.</summary>
    public static int Count => _ledger?.Count ?? 0;

    /// <summary>
    /// For a quiet moment of the loop: reports what is known to be forgotten, and now and then finds out. Cheap enough to be
    /// called before every sleep.
    /// </summary>
    /// <param name="now">The clock of the loop.</param>
    /// <returns>When it wants to be called again at the latest, or null if it need not be: for a loop that would otherwise
    /// sleep for ever.</returns>
    public static TimeSpan? Sweep(TimeSpan now)
    {
        Ledger? ledger = _ledger;
        if (ledger is null || ledger.Count == 0)
        {
            return null;
        }

        return ledger.Sweep(now);
    }

    /// <summary>Reports what was forgotten until now, however recently: collects garbage first. For tests.</summary>
    public static void Collect()
    {
        if (_ledger is { } ledger)
        {
            ledger.ReportForgotten(collect: true);
        }
    }

    /// <summary>Reports every failure that rests on this thread, forgotten or not: for the end of a loop.</summary>
    public static void Flush() => _ledger?.ReportAll();

    /// <summary>Reports at once what nobody can be told by a deferred.</summary>
    /// <param name="what">Says what it is: "Unhandled error in canceller".</param>
    /// <param name="failure">What it is.</param>
    internal static void Report(string what, Failure failure) => Sink?.Invoke(what, failure);

    internal static Entry Add(Failure failure) => (_ledger ??= new Ledger()).Add(failure);

    /// <summary>One resting failure, in the ring of its ledger. It holds the failure, and does not hold the deferred.</summary>
    internal sealed class Entry(Failure failure)
    {
        private volatile bool _forgotten;

        public Failure Failure { get; } = failure;

        public Ledger? Owner { get; set; }

        public Entry? Before { get; set; }

        public Entry? After { get; set; }

        /// <summary>Set by the finalizer thread: nobody can take the failure any more.</summary>
        public bool Forgotten
        {
            get => _forgotten;
            set => _forgotten = value;
        }
    }

    /// <summary>The resting failures of one thread, oldest first.</summary>
    internal sealed class Ledger
    {
        private Entry? _oldest;
        private Entry? _newest;
        private TimeSpan _nextCollection = TimeSpan.MinValue;
        private TimeSpan _wait = MinWait;
        private bool _hasNew;

        public int Count { get; private set; }

        public Entry Add(Failure failure)
        {
            var entry = new Entry(failure) { Owner = this, Before = _newest };
            if (_newest is null)
            {
                _oldest = entry;
            }
            else
            {
                _newest.After = entry;
            }

            _newest = entry;
            _hasNew = true;
            Count++;
            return entry;
        }

        /// <summary>It was taken, or has been reported.</summary>
        public void Remove(Entry entry)
        {
            Debug.Assert(ReferenceEquals(entry.Owner, this), "an entry leaves its ledger once, on its own thread");
            if (entry.Before is null)
            {
                _oldest = entry.After;
            }
            else
            {
                entry.Before.After = entry.After;
            }

            if (entry.After is null)
            {
                _newest = entry.Before;
            }
            else
            {
                entry.After.Before = entry.Before;
            }

            entry.Owner = null;
            Count--;
        }

        public TimeSpan? Sweep(TimeSpan now)
        {
            if (_hasNew)
            {
                _hasNew = false;
                _wait = MinWait;
                _nextCollection = now + _wait;
            }

            bool collect = now >= _nextCollection;
            if (collect)
            {
                _wait = _wait < MaxWait ? _wait * 2 : MaxWait;
                _nextCollection = now + _wait;
            }

            ReportForgotten(collect);
            return Count == 0 ? null : _nextCollection;
        }

        public void ReportForgotten(bool collect)
        {
            if (collect)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            for (Entry? entry = _oldest; entry is not null;)
            {
                Entry? after = entry.After;
                if (entry.Forgotten)
                {
                    Report(entry);
                }

                entry = after;
            }
        }

        public void ReportAll()
        {
            while (Sink is not null && _oldest is { } entry)
            {
                Report(entry);
            }
        }

        private void Report(Entry entry)
        {
            if (Sink is { } sink)
            {
                Remove(entry);
                sink("Unhandled error in Deferred", entry.Failure);
            }
        }
    }
}

/// <summary>
/// Holds the failure of a deferred at rest. Nothing else refers to it, so it goes when the deferred goes, and its finalizer
/// tells the ledger. Made only then: a finalizer on every deferred would cost each of them 26 ns.
/// </summary>
internal sealed class RestingFailure
{
    private readonly UnhandledFailures.Entry _entry;

    public RestingFailure(Failure failure)
    {
        _entry = UnhandledFailures.Add(failure);
    }

    ~RestingFailure()
    {
        _entry.Forgotten = true;
    }

    public Failure Failure => _entry.Failure;

    /// <summary>Somebody takes the failure: it is handled.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The finalizer stands for a report, not for a resource to dispose of.")]
    public Failure Take()
    {
        GC.SuppressFinalize(this);
        _entry.Owner?.Remove(_entry);
        return _entry.Failure;
    }
}
