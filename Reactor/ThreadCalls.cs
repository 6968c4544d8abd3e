namespace Poetry.Net;

/// <summary>
/// The calls that other threads queue for the reactor, and the descriptor that ends its wait.
/// </summary>
/// <remarks>
/// Crosses threads: <see cref="Add"/> and <see cref="IsReactorThread"/> may be used on any thread, all other members only on the
/// reactor's. One lock guards <c>_waiting</c>, <c>_wakeUpSent</c> and the descriptor, and is held for a list operation only.
/// The first queued call writes the wake-up; later ones do not until the reactor has taken the queue.
/// </remarks>
internal sealed class ThreadCalls(Reactor reactor) : Descriptor(NoHandle), IDisposable
{
    private readonly Lock _lock = new();
    private List<Action> _waiting = [];
    private List<Action> _running = [];
    private Waker _waker;
    private bool _wakeUpSent;
    private bool _stopped;
    private int _threadId = -1;

    /// <summary>True if calls are queued: the reactor must not wait.</summary>
    public bool Any => Volatile.Read(ref _waiting).Count > 0;

    public bool IsReactorThread => _threadId < 0 || _threadId == Environment.CurrentManagedThreadId;

    /// <summary>Opens the descriptor that ends the reactor's wait. A second call does nothing.</summary>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    internal void Prepare()
    {
        if (Handle == NoHandle)
        {
            Errno error = Waker.Create(out Waker waker);
            if (error != Errno.None)
            {
                throw new System.IO.IOException($"cannot wake the reactor: {error.Sentence()}");
            }

            lock (_lock)
            {
                _waker = waker;
                Handle = waker.Handle;
            }
        }

        reactor.AddReader(this);
    }

    /// <summary>Called when the loop starts, on its thread.</summary>
    public void Start()
    {
        Prepare();
        _threadId = Environment.CurrentManagedThreadId;
    }

    /// <summary>Queues a call and wakes the reactor.</summary>
    public void Add(Action call)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            _waiting.Add(call);
            if (!_wakeUpSent && Handle != NoHandle)
            {
                _wakeUpSent = true;
                _waker.Signal();
            }
        }
    }

    /// <summary>Makes the queued calls. Calls that they queue are made in the next turn.</summary>
    public void RunAll()
    {
        if (!Any)
        {
            return;
        }

        lock (_lock)
        {
            (_waiting, _running) = (_running, _waiting);
            _wakeUpSent = false;
        }

        foreach (Action call in _running)
        {
            reactor.Guard(static queued => queued(), call);
            reactor.CallbackEnded(call);
        }

        _running.Clear();
    }

    /// <summary>Called when the loop has ended. Drops queued and later calls.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            _waiting.Clear();
        }

        _threadId = -1;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stopped = true;
            if (Handle != NoHandle)
            {
                reactor.Unwatch(this);
                _waker.Close();
                Handle = NoHandle;
            }
        }
    }

    protected internal override void DoRead() => _waker.Drain();

    protected internal override void DoWrite()
    {
    }

    protected internal override void ConnectionLost(Failure reason)
    {
    }
}
