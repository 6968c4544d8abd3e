using System.Globalization;
using System.Text.Json;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Traces;

/// <summary>
/// Runs one program of FORMAT.md on deferreds of <typeparamref name="T"/>, and writes down what happens. It keeps, for each
/// deferred of the program, the handle it is fired by and the one to add functions to.
/// </summary>
internal sealed partial class TraceProgram<T>(TraceFlavour<T> flavour)
{
    private readonly ManualClock _clock = new();
    private readonly SortedDictionary<int, Slot> _deferreds = [];
    private readonly Dictionary<int, DelayedCall> _calls = [];
    private readonly SortedDictionary<int, object> _primitives = [];
    private bool _usesClock;

    /// <summary>Did it use the result of a deferred whose own functions were still to come? See point 10 of FORMAT.md.</summary>
    public bool TookFromTheMiddle { get; private set; }

    /// <summary>What happened, an event a line.</summary>
    public List<string> Events { get; } = [];

    public void Run(JsonElement program)
    {
        var failures = new UnhandledFailures((_, failure) => Record($"""["logged",{TraceValues.WriteError(failure!)}]"""));
        UnhandledFailures? outer = failures.Enter();
        try
        {
            int number = 0;
            foreach (JsonElement op in program.EnumerateArray())
            {
                Record($"""["op",{number++}]""");
                try
                {
                    Execute(op);
                }
                catch (Exception exception)
                {
                    RecordRaised(exception);
                }
            }
        }
        finally
        {
            UnhandledFailures.Restore(outer);
        }
    }

    /// <summary>The state of each deferred.</summary>
    public string Final()
    {
        var states = new List<string>();
        foreach ((int index, Slot slot) in _deferreds)
        {
            string state;
            Deferred at = slot.Tail.Active();
            if (slot.Index != index)
            {
                state = $"\"alias\",\"of\":{slot.Index}";
                states.Add($$"""{"d":{{index}},"s":{{state}}}""");
                continue;
            }

            if (!at.Called)
            {
                state = "\"unfired\"";
            }
            else if (at.WaitsFor() is { } inner)
            {
                state = $"\"waiting\",\"on\":{_deferreds.First(other => other.Value.Handles.Contains(inner)).Key}";
            }
            else if (at.CurrentFailure is { } failure)
            {
                state = $"\"failure\",\"e\":{TraceValues.WriteError(failure)}";
            }
            else
            {
                state = $"\"value\",\"v\":{TraceValues.WriteValue(Unpack(at.CurrentValue))}";
            }

            int pauses = slot.Tail.PauseCount();
            string paused = pauses > 0 ? $",\"paused\":{pauses}" : string.Empty;
            states.Add($$"""{"d":{{index}},"s":{{state}}{{paused}}}""");
        }

        return $"[{string.Join(",", states)}]";
    }

    /// <summary>The failures that rest unhandled, by the mark that would have them reported.</summary>
    public string Unhandled() => $"[{string.Join(",", _deferreds
        .Where(entry => entry.Value.Index == entry.Key && entry.Value.Tail.Active().HasUnhandledFailure())
        .Select(entry => $"[{entry.Key},{TraceValues.WriteError(entry.Value.Tail.Active().CurrentFailure!)}]"))}]";

    /// <summary>The time, and when the pending calls are due; null for a program that has no clock.</summary>
    public string? Clock() => _usesClock
        ? $$"""{"now":{{Seconds(_clock.Now)}},"pending":[{{string.Join(",", _clock.PendingDues.Select(Seconds))}}]}"""
        : null;

    /// <summary>Locks, semaphores and queues; null for a program that has none.</summary>
    public string? Primitives() => _primitives.Count == 0 ? null : $"[{string.Join(",", _primitives.Select(entry =>
        entry.Value switch
        {
            DeferredLock l =>
                $$"""{"p":{{entry.Key}},"locked":{{(l.Locked ? "true" : "false")}},"waiting":{{l.WaitingCount}}}""",
            DeferredSemaphore s => $$"""{"p":{{entry.Key}},"tokens":{{s.Tokens}},"waiting":{{s.WaitingCount}}}""",
            DeferredQueue<T> q => $$"""{"p":{{entry.Key}},"pending":[{{WriteAll(q.Values)}}],"waiting":{{q.WaitingCount}}}""",
            _ => throw new InvalidOperationException(),
        }))}]";

    private string WriteAll(IEnumerable<T> values) =>
        string.Join(",", values.Select(value => TraceValues.WriteValue(flavour.Unwrap(value))));

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);

    private object? Unpack(object? current) => current switch
    {
        DeferredLock or DeferredSemaphore => new PrimitiveValue(_primitives.First(entry => entry.Value == current).Key),
        T value => flavour.Unwrap(value),
        _ => current,
    };

    private void Record(string happened) => Events.Add(happened);

    private void RecordRaised(Exception exception) => Record($"""["raised","{TraceValues.NameOf(exception)}"]""");

    private void Act(JsonElement op)
    {
        try
        {
            Execute(op);
        }
        catch (Exception exception)
        {
            RecordRaised(exception);
            throw;
        }
    }

    private void ActAll(JsonElement owner)
    {
        if (owner.TryGetProperty("acts", out JsonElement acts))
        {
            foreach (JsonElement act in acts.EnumerateArray())
            {
                Act(act);
            }
        }
    }

    /// <summary>Takes every failure that is left, so that none is reported.</summary>
    public void Forget()
    {
        foreach (Slot slot in _deferreds.Values)
        {
            slot.Tail.Active().Discard();
        }
    }

    private static int? Limit(JsonElement op, string name) =>
        op.GetProperty(name).ValueKind == JsonValueKind.Null ? null : op.GetProperty(name).GetInt32();

    private static int? ValueOf(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetInt32();

    private void Add(int index, Deferred<T> tail, Deferred<T> head)
    {
        Slot? same = _deferreds.Values.FirstOrDefault(slot => slot.Handles.Contains(tail));
        same?.Lower(index);
        _deferreds.Add(index, same ?? new Slot(index, tail, head, flavour.ChangesType));
    }

    private Deferred<T> New(JsonElement op)
    {
        if (!op.TryGetProperty("canceller", out JsonElement canceller))
        {
            return new Deferred<T>();
        }

        int index = op.GetProperty("d").GetInt32();
        return new Deferred<T>(_ =>
        {
            Record($"""["canceller",{index}]""");
            ActAll(canceller);
            if (canceller.TryGetProperty("raise", out JsonElement error))
            {
                throw new ProgramError(error.GetString()!);
            }
        });
    }

    private void Maybe(JsonElement op)
    {
        JsonElement function = op.GetProperty("fn");
        Deferred<T> deferred = Deferred.MaybeDeferred(() => Call(function, null));
        Add(op.GetProperty("d").GetInt32(), deferred, deferred);
    }

    private void AddCallback(Slot slot, JsonElement function) =>
        slot.Add(slot => flavour.AddCallback(slot.Tail, value => Call(function, new Outcome<object?>(flavour.Unwrap(value)))));

    private void AddErrback(Slot slot, JsonElement function) =>
        slot.Add(slot => flavour.AddErrback(slot.Tail, failure => Call(function, new Outcome<object?>(failure))));

    private void AddCallbacks(Slot slot, JsonElement op)
    {
        bool hasCallback = op.TryGetProperty("fn", out JsonElement callback);
        bool hasErrback = op.TryGetProperty("efn", out JsonElement errback);
        if (hasCallback && hasErrback)
        {
            slot.Add(slot => flavour.AddCallbacks(
                slot.Tail,
                value => Call(callback, new Outcome<object?>(flavour.Unwrap(value))),
                failure => Call(errback, new Outcome<object?>(failure))));
        }
        else if (hasCallback)
        {
            AddCallback(slot, callback);
        }
        else if (hasErrback)
        {
            AddErrback(slot, errback);
        }
    }

    private Deferred<T> NewGroup(JsonElement op, bool fireOnOneCallback, bool fireOnOneErrback, bool isGather)
    {
        Deferred[] members = [.. op.GetProperty("of").EnumerateArray().Select(d => (Deferred)_deferreds[d.GetInt32()].Tail)];
        return new Group(
            flavour, members, fireOnOneCallback, fireOnOneErrback, op.GetProperty("consume").GetBoolean(), isGather);
    }

    private void AddTimeout(Slot slot, JsonElement op, TimeSpan timeout)
    {
        Func<Outcome<T>, TimeSpan, Outcome<T>>? onTimeout = null;
        if (op.TryGetProperty("on", out JsonElement function))
        {
            onTimeout = (input, allowed) =>
            {
                Outcome<object?> plain = flavour.UnwrapOutcome(input);
                int id = function.GetProperty("f").GetInt32();
                Record($"""["timeout",{id},{TraceValues.Write(plain)},{Seconds(allowed)}]""");
                return Finish(function, plain);
            };
        }

        slot.Add(slot => slot.Tail.AddTimeout(timeout, _clock, onTimeout));
    }

    private void Later(int index, TimeSpan delay, JsonElement op) =>
        _calls.Add(index, _clock.CallLater(delay, () =>
        {
            Record($"""["later",{index},{Seconds(_clock.Now)}]""");
            try
            {
                ActAll(op);
            }
            catch (Exception)
            {
                // It was recorded where it was raised, and ends the body.
            }
        }));

    private void Acquire(JsonElement op, int primitive, int index)
    {
        var value = new PrimitiveValue(primitive);
        Deferred<T> deferred = _primitives[primitive] is DeferredLock gate
            ? gate.Acquire().AddCallback(_ => flavour.Wrap(value))
            : ((DeferredSemaphore)_primitives[primitive]).Acquire().AddCallback(_ => flavour.Wrap(value));
        Add(index, deferred, deferred);
    }

    /// <summary>A deferred of the program: first and last handle of its chain, and those between.</summary>
    private sealed class Slot(int index, Deferred<T> tail, Deferred<T> head, bool changesType)
    {
        /// <summary>The lowest index: the others are aliases of it.</summary>
        public int Index { get; private set; } = index;

        public Deferred<T> Head { get; } = head;

        public Deferred<T> Tail { get; private set; } = tail;

        public HashSet<Deferred> Handles { get; } = [tail, head];

        public void Lower(int index) => Index = Math.Min(Index, index);

        /// <summary>Adds to the chain. If it changes its type: functions that run at once may add more, and have to find the new handle: so they
        /// are held until that is known.</summary>
        public void Add(Func<Slot, Deferred<T>> add)
        {
            if (!changesType)
            {
                Tail = add(this);
                return;
            }

            Deferred<T> before = Tail;
            before.Pause();
            Tail = add(this);
            Handles.Add(Tail);
            before.Unpause();
        }
    }

    /// <summary>A list whose result is a value of the program.</summary>
    private sealed class Group : DeferredCollection<T, T>
    {
        private readonly TraceFlavour<T> _flavour;
        private readonly bool _isGather;

        public Group(
            TraceFlavour<T> flavour,
            Deferred[] members,
            bool fireOnOneCallback,
            bool fireOnOneErrback,
            bool consumeErrors,
            bool isGather)
            : base(members, fireOnOneCallback, fireOnOneErrback, consumeErrors)
        {
            _flavour = flavour;
            _isGather = isGather;
            Open();
        }

        private protected override T WhenAll(Outcome<T>[] outcomes)
        {
            Outcome<object?>[] plain = Array.ConvertAll(outcomes, _flavour.UnwrapOutcome);
            return _flavour.Wrap(_isGather ? new GatheredValue(plain) : new ListValue(plain));
        }

        private protected override T WhenFirst(int index, T value) =>
            _flavour.Wrap(new OneValue(_flavour.Unwrap(value), index));
    }
}
