using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A shared cache in Redis. Belongs to one reactor.</summary>
#pragma warning disable CA1001 // Close disposes of the client.
internal sealed class RedisStore : ISharedStore
#pragma warning restore CA1001
{
    private static readonly string LeaseMs = Milliseconds(SharedNames.Lease);

    private readonly RedisClient _client;
    private readonly SharedNames _names;
    private readonly Stack<GetCommand> _gets = new();
    private bool _isClosed;

    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">The server or servers.</param>
    /// <param name="timeout">The maximum time in which neither a reply is complete nor 16 KiB have moved.</param>
    /// <param name="names">The names of keys and channel.</param>
    public RedisStore(Reactor reactor, RedisAddress address, TimeSpan timeout, SharedNames names)
    {
        _client = new RedisClient(reactor, address, timeout);
        _names = names;
    }

    /// <summary>Turns a failure of Redis into one of the shared cache, with the address of the server.</summary>
    public static Failure Describe(RedisCommand command, Failure failure) =>
        new(Describe(command.Route.Node?.Endpoint.ToString() ?? "shared cache", failure));

    /// <inheritdoc/>
    public Deferred<SharedRead> Get(string key, IPoemReceiver receiver)
    {
        GetCommand command = _gets.TryPop(out GetCommand? spare) ? spare : new GetCommand(_gets);
        Deferred<SharedRead> result = command.Begin(key, receiver);
        _client.Begin(command);
        return result;
    }

    /// <inheritdoc/>
    public async Deferred<SharedLock> TryLock(string key, string token, bool replacesInvalid)
    {
        string name = SharedNames.LockOf(key);
        bool isTaken = replacesInvalid
            ? await RunScript(RedisScripts.TakeInvalidLock, key, token)
            : await _client.Run(new ShortCommand(RespKind.Text, "SET", name, token, "NX", "PX", LeaseMs)) == 1;
        if (isTaken || replacesInvalid)
        {
            return isTaken ? SharedLock.Taken : SharedLock.Held;
        }

        long leftMs = await _client.Run(new ShortCommand(RespKind.Integer, "PTTL", name));
        return leftMs == -1 || leftMs > SharedNames.Lease.TotalMilliseconds ? SharedLock.Invalid : SharedLock.Held;
    }

    /// <inheritdoc/>
    public Deferred<bool> Renew(string key, string token) => RunScript(RedisScripts.Renew, key, token);

    /// <inheritdoc/>
    public Deferred<bool> Store(string key, string token, PoemBuffer poem, TimeSpan lifetime) => _client.Run(new PutCommand(
        poem, "EVAL", RedisScripts.Put, "2", key, SharedNames.LockOf(key), token, Milliseconds(lifetime))).AddCallback(IsOne);

    /// <inheritdoc/>
    public async Deferred<Unit> Unlock(string key, string token)
    {
        try
        {
            _ = await RunScript(RedisScripts.Unlock, key, token);
        }
        catch (SharedStoreError error) when (error.IsRefusal)
        {
            // Two steps instead of a script. If another fetch takes the lock in between, it loses it, and stores nothing.
            string name = SharedNames.LockOf(key);
            if ((await Described(_client.Send("GET", name))).Text == token)
            {
                _ = await _client.Run(new ShortCommand(RespKind.Integer, "DEL", name));
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public async Deferred<Unit> Remove(string key)
    {
        _ = await _client.Run(new ShortCommand(RespKind.Integer, "DEL", key));
        return default;
    }

    /// <inheritdoc/>
    public async Deferred<Unit> Purge(string[] keys)
    {
        // A key must be gone before its purge is published: a subscriber asks for it at once.
        _ = await RunAll(keys, static key => new ShortCommand(RespKind.Integer, "DEL", key, SharedNames.LockOf(key)));
        return await RunAll(keys, key => new ShortCommand(RespKind.Integer, "PUBLISH", _names.Channel, key));
    }

    /// <inheritdoc/>
    public async Deferred<Unit> Subscribe(Action<string> purged, Action<SharedStoreError> lost)
    {
        void OnEnded(Failure failure)
        {
            if (!_isClosed)
            {
                lost(Describe(_client.Address.ToString(), failure));
            }
        }

        _ = await Described(_client.Subscribe(_names.Channel, message => purged(Encoding.UTF8.GetString(message.Span)), OnEnded));
        return default;
    }

    /// <inheritdoc/>
    public async Deferred<Unit> Probe()
    {
        _ = await _client.Run(new ShortCommand(RespKind.Text, "SET", _names.ProbeKey, "1", "PX", "1000"));
        return default;
    }

    public void Close()
    {
        _isClosed = true;
        _client.Dispose();
    }

    private static SharedStoreError Describe(string server, Failure failure) => new($"{server}: {failure.Message}")
    {
        IsRefusal = failure.Exception is RedisError { IsOfServer: false },
    };

    /// <summary>The time as an argument of a command.</summary>
    /// <param name="time">More than zero; <see cref="TimeSpan.MaxValue"/> is written as 0.</param>
    private static string Milliseconds(TimeSpan time) => time == TimeSpan.MaxValue
        ? "0"
        : Math.Max(1, (long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    private static bool IsOne(long reply) => reply == 1;

    private async Deferred<T> Described<T>(Deferred<T> running)
    {
        try
        {
            return await running;
        }
        catch (Exception error) when (error is not CancelledError)
        {
            throw Describe(_client.Address.ToString(), new Failure(error));
        }
    }

    /// <summary>Runs a script with the lock of a key, the token and the lease.</summary>
    private Deferred<bool> RunScript(string script, string key, string token) => _client.Run(new ShortCommand(
        RespKind.Integer, "EVAL", script, "1", SharedNames.LockOf(key), token, LeaseMs)).AddCallback(IsOne);

    /// <summary>Runs a command for each key, all at once.</summary>
    private async Deferred<Unit> RunAll(string[] keys, Func<string, ShortCommand> make)
    {
        try
        {
            _ = await Deferred.GatherResults(Array.ConvertAll(keys, key => _client.Run(make(key))), consumeErrors: true);
            return default;
        }
        catch (FirstError error)
        {
            throw error.SubFailure.Exception;
        }
    }
}
