using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// One proxy's way to a <see cref="SharedServerModel"/>: each operation is a message there and one back, in any order, and
/// either may be lost. What waits for longer than the time-out fails.
/// </summary>
/// <param name="server">The server.</param>
/// <param name="clock">The proxy's.</param>
internal sealed class SharedLinkModel(SharedServerModel server, IClock clock) : ISharedStore
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(0.5);

    private readonly List<Call> _calls = [];
    private bool _isSubscribed;
    private Action<string>? _purged;
    private Action<SharedStoreError>? _lost;

    /// <summary>Called with the key and token of each lock that this proxy was told it has.</summary>
    public Action<string, string>? Granted { get; set; }

    /// <summary>A number that its purges carry, so that a test knows which of them another proxy has heard of.</summary>
    public int Stamp { get; set; }

    /// <summary>Called with a key and the greatest stamp of its purges that this proxy has heard of, or has to act as if.</summary>
    public Action<string, int>? PurgeHeard { get; set; }

    public bool IsClosed { get; private set; }

    public Deferred<SharedRead> Get(string key, IPoemReceiver receiver)
    {
        TimeSpan sentAt = clock.Now;
        var reading = new Reading(this, receiver);
        Deferred<SharedRead> result = Send<SharedRead>("get", reading, () =>
        {
            if (server.Get(key) is { } found)
            {
                TimeSpan until = found.Left == TimeSpan.MaxValue ? found.Left : sentAt + found.Left;
                reading.Begin(found.Bytes, new SharedRead(true, found.Bytes.Length, until));
            }
            else
            {
                reading.Reply(SharedRead.Missing);
            }
        });
        return result;
    }

    public Deferred<SharedLock> TryLock(string key, string token, bool replacesInvalid)
    {
        string? refusal = replacesInvalid ? ScriptError() : null;
        return Write("lock", () => server.TryLock(key, token, replacesInvalid), refusal).AddCallback<SharedLock>(state =>
        {
            if (state == SharedLock.Taken)
            {
                Granted?.Invoke(key, token);
            }

            return state;
        });
    }

    public Deferred<bool> Renew(string key, string token) => Write("renew", () => server.Renew(key, token), ScriptError());

    public Deferred<bool> Store(string key, string token, PoemBuffer poem, TimeSpan lifetime)
    {
        var bytes = new List<byte>();
        foreach (ReadOnlyMemory<byte> part in poem.Parts)
        {
            bytes.AddRange(part.Span);
        }

        return Write("store", () => server.Store(key, token, [.. bytes], lifetime), server.StoreError);
    }

    public Deferred<Unit> Unlock(string key, string token) => Write<Unit>("unlock", () =>
    {
        server.Unlock(key, token);
        return default;
    });

    public Deferred<Unit> Remove(string key) => Write<Unit>("remove", () =>
    {
        server.Evict(key);
        return default;
    });

    public Deferred<Unit> Purge(string[] keys)
    {
        int stamp = Stamp;
        return Write<Unit>("purge", () =>
        {
            server.Purge(keys, stamp);
            return default;
        });
    }

    public Deferred<Unit> Probe() => Write<Unit>("probe", static () => default);

    public Deferred<Unit> Subscribe(Action<string> purged, Action<SharedStoreError> lost)
    {
        _purged = purged;
        _lost = lost;
        var call = new Call<Unit>(this);
        return Send<Unit>("subscribe", call, () =>
        {
            // From here on it hears of purges, even before it hears that it does.
            _isSubscribed = true;
            server.Subscribers.Remove(this);
            server.Subscribers.Add(this);
            KeyValuePair<string, int>[] purges = [.. server.Purges];
            call.Confirmed = () => Array.ForEach(purges, purge => PurgeHeard?.Invoke(purge.Key, purge.Value));
            call.Reply(default);
        });
    }

    /// <summary>A purge is published.</summary>
    public void Hear(string key, int stamp)
    {
        if (server.Loses())
        {
            LoseSubscription();
            return;
        }

        Later(() =>
        {
            if (_isSubscribed)
            {
                PurgeHeard?.Invoke(key, stamp);
                _purged!(key);
            }
        });
    }

    /// <summary>The connection of the subscription is cut; the proxy finds out later.</summary>
    public void LoseSubscription()
    {
        if (server.Subscribers.Remove(this))
        {
            _isSubscribed = false;
            Later(() => _lost!(new SharedStoreError("the subscription was cut")));
        }
    }

    /// <summary>All connections are cut.</summary>
    public void Cut()
    {
        foreach (Call call in _calls.ToArray())
        {
            call.Fail("connection lost");
        }

        LoseSubscription();
    }

    /// <summary>What was handed over is sent.</summary>
    public void Close()
    {
        IsClosed = true;
        _isSubscribed = false;
        server.Subscribers.Remove(this);
        foreach (Call call in _calls.ToArray())
        {
            call.Fail("closed");
        }
    }

    private string? ScriptError() => server.RefusesScripts ? server.StoreError : null;

    /// <param name="name">Of the operation.</param>
    /// <param name="operation">What is done.</param>
    /// <param name="refusal">Why it is refused; null if it is not.</param>
    private Deferred<T> Write<T>(string name, Func<T> operation, string? refusal = null)
    {
        var call = new Call<T>(this);
        return Send<T>(name, call, () =>
        {
            if ((server.WriteError ?? refusal) is { } error)
            {
                call.Refuse(error);
            }
            else
            {
                call.Reply(operation());
            }
        });
    }

    private Deferred<T> Send<T>(string name, Call<T> call, Action operation)
    {
        _calls.Add(call);
        call.Start();
        if (server.IsDown || IsClosed)
        {
            Later(() => call.Fail("connection refused"));
        }
        else if (server.Loses())
        {
            Later(() => call.Fail("connection lost"));
        }
        else
        {
            _ = server.Clock.CallLater(server.Delay(), () =>
            {
                if (server.IsDown)
                {
                    Later(() => call.Fail("connection lost"));
                }
                else
                {
                    server.Run(name, operation);
                }
            });
        }

        return call.Result;
    }

    /// <summary>Something arrives at the proxy: over the network, and then in a turn of its own.</summary>
    private void Later(Action arrival) => _ = server.Clock.CallLater(server.Delay(), () => clock.CallLater(TimeSpan.Zero, arrival));

    private abstract class Call(SharedLinkModel link)
    {
        private DelayedCall? _timeout;

        protected SharedLinkModel Link => link;

        protected bool IsOver { get; private set; }

        public void Start() => Wait();

        public void Fail(string reason) => Fail(new SharedStoreError(reason));

        /// <summary>The server answers with an error.</summary>
        public void Refuse(string reason) => link.Later(() => Fail(new SharedStoreError(reason) { IsRefusal = true }));

        private void Fail(SharedStoreError error)
        {
            if (End())
            {
                Errback(error);
            }
        }

        protected bool End()
        {
            bool ends = !IsOver;
            IsOver = true;
            _ = _timeout?.CancelIfActive();
            link._calls.Remove(this);
            return ends;
        }

        protected void Wait()
        {
            _ = _timeout?.CancelIfActive();
            _timeout = link.ClockOf().CallLater(Timeout, this, static call => call.Fail("timed out"));
        }

        protected void StopWaiting() => _ = _timeout?.CancelIfActive();

        protected abstract void Errback(SharedStoreError error);
    }

    private IClock ClockOf() => clock;

    private class Call<T> : Call
    {
        public Call(SharedLinkModel link)
            : base(link)
        {
            Result = Deferred.WithCanceller<Call<T>, T>(this, static (call, _) => call.End());
        }

        public Deferred<T> Result { get; }

        /// <summary>Called before it succeeds.</summary>
        public Action? Confirmed { get; set; }

        /// <summary>The operation was carried out; the reply may be lost.</summary>
        public void Reply(T value)
        {
            if (Link.Server.Loses())
            {
                Link.Later(() => Fail("connection lost"));
                return;
            }

            Link.Later(() => Succeed(value));
        }

        protected void Succeed(T value)
        {
            if (End())
            {
                Confirmed?.Invoke();
                Result.Callback(value);
            }
        }

        protected override void Errback(SharedStoreError error) => Result.Errback(error);
    }

    private SharedServerModel Server => server;

    /// <summary>A value that arrives in pieces.</summary>
    private sealed class Reading(SharedLinkModel link, IPoemReceiver receiver) : Call<SharedRead>(link), IProducer
    {
        private byte[] _bytes = [];
        private SharedRead _read;
        private int _arrived = -1;
        private bool _isPaused;

        public void Begin(byte[] bytes, SharedRead read)
        {
            _bytes = bytes;
            _read = read;
            Link.Later(Arrive);
        }

        public void PauseProducing()
        {
            _isPaused = true;
            StopWaiting();
        }

        public void ResumeProducing()
        {
            if (_isPaused && !IsOver)
            {
                _isPaused = false;
                Wait();
                Link.Later(Arrive);
            }
        }

        private void Arrive()
        {
            if (IsOver || _isPaused)
            {
                return;
            }

            if (Link.Server.IsDown || Link.Server.Loses())
            {
                Fail("connection lost");
                return;
            }

            Wait();
            if (_arrived < 0)
            {
                _arrived = 0;
                receiver.Connected(this);
                receiver.Announced(_bytes.Length);
            }

            int count = Math.Min(Link.Server.PieceBytes, _bytes.Length - _arrived);
            byte[] piece = _bytes[_arrived..(_arrived + count)];
            _arrived += count;
            if (count > 0 && !receiver.Received(piece))
            {
                Succeed(SharedRead.Missing);
            }
            else if (_arrived == _bytes.Length)
            {
                Succeed(_read);
            }
            else if (!_isPaused)
            {
                Link.Later(Arrive);
            }
        }
    }
}
