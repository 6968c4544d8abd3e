using System;
using System.Collections.Generic;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A shared cache in Redis. Belongs to one reactor.</summary>
#pragma warning disable CA1001 // Close disposes of the client.
internal sealed class RedisStore : ISharedStore
#pragma warning restore CA1001
{
    private readonly RedisClient _client;
    private readonly SharedNames _names;
    private readonly Stack<GetCommand> _gets = new();

    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">The server or servers.</param>
    /// <param name="timeout">In each either a reply is complete or 16 KiB have moved.</param>
    /// <param name="names">The names of keys and channel.</param>
    public RedisStore(Reactor reactor, RedisAddress address, TimeSpan timeout, SharedNames names)
    {
        _client = new RedisClient(reactor, address, timeout);
        _names = names;
    }

    /// <inheritdoc/>
    public Action<string>? Purged { get; set; }

    /// <inheritdoc/>
    public Action<SharedStoreError>? SubscriptionLost { get; set; }

    /// <inheritdoc/>
    public Deferred<SharedRead> Get(string key, IPoemReceiver receiver)
    {
        GetCommand command = _gets.TryPop(out GetCommand? spare) ? spare : new GetCommand(_gets);
        Deferred<SharedRead> result = command.Begin(key, receiver);
        _client.Begin(command);
        return result;
    }

    /// <inheritdoc/>
    public Deferred<SharedLock> TryLock(string key, string token, bool replacesInvalid) => replacesInvalid
        ? Run(new ScriptCommand<SharedLock>(
            RedisScripts.TakeInvalidLock, key, token, static taken => taken ? SharedLock.Taken : SharedLock.Held))
        : Run(new LockCommand(key, token));

    /// <inheritdoc/>
    public Deferred<bool> Renew(string key, string token) =>
        Run(new ScriptCommand<bool>(RedisScripts.Renew, key, token, static renewed => renewed));

    /// <inheritdoc/>
    public Deferred<bool> Store(string key, string token, PoemBuffer poem, TimeSpan lifetime) =>
        Run(new PutCommand(key, token, poem, lifetime));

    /// <inheritdoc/>
    public async Deferred<Unit> Unlock(string key, string token)
    {
        try
        {
            return await Run(new ScriptCommand<Unit>(RedisScripts.Unlock, key, token, static _ => default));
        }
        catch (SharedStoreError error) when (error.IsRefusal)
        {
            // In two steps. If another fetch takes the lock in between, it loses the lock: its poem is not stored.
            string name = SharedNames.LockOf(key);
            if ((await Described(_client.Send("GET", name))).Text == token)
            {
                _ = await Described(_client.Send("DEL", name));
            }

            return default;
        }
    }

    /// <inheritdoc/>
    public Deferred<Unit> Remove(string key) => Run(new PlainCommand(key, ["DEL", key]));

    /// <inheritdoc/>
    public Deferred<Unit> Purge(IReadOnlyList<string> keys) => PurgeAll(keys);

    /// <inheritdoc/>
    public async Deferred<Unit> Subscribe()
    {
        _ = await Described(_client.Subscribe(
            _names.Channel,
            message => Purged?.Invoke(Encoding.UTF8.GetString(message.Span)),
            failure => SubscriptionLost?.Invoke(StoreCommand.Describe(_client.Address.ToString(), failure))));
        return default;
    }

    /// <inheritdoc/>
    public Deferred<Unit> Probe() => Run(new PlainCommand(
        _names.ProbeKey, ["SET", _names.ProbeKey, "1", "PX", StoreCommand.Milliseconds(SharedNames.ProbeLifetime)]));

    /// <inheritdoc/>
    public void Close()
    {
        SubscriptionLost = null;
        _client.Dispose();
    }

    private async Deferred<T> Described<T>(Deferred<T> running)
    {
        try
        {
            return await running;
        }
        catch (Exception error) when (error is not CancelledError)
        {
            throw StoreCommand.Describe(_client.Address.ToString(), new Failure(error));
        }
    }

    private Deferred<T> Run<T>(StoreCommand<T> command)
    {
        _client.Begin(command);
        return command.Result;
    }

    private async Deferred<Unit> PurgeAll(IReadOnlyList<string> keys)
    {
        // A key must be gone before its purge is published: a subscriber asks for it at once.
        _ = await All(keys, key => new PlainCommand(key, ["DEL", key, SharedNames.LockOf(key)]));
        _ = await All(keys, key => new PlainCommand(string.Empty, ["PUBLISH", _names.Channel, key]));
        return default;
    }

    /// <summary>Runs a command for each key, all at once.</summary>
    private async Deferred<Unit> All(IReadOnlyList<string> keys, Func<string, PlainCommand> make)
    {
        var running = new Deferred<Unit>[keys.Count];
        for (int i = 0; i < running.Length; i++)
        {
            running[i] = Run(make(keys[i]));
        }

        try
        {
            _ = await Deferred.GatherResults(running, consumeErrors: true);
            return default;
        }
        catch (FirstError error)
        {
            throw error.SubFailure.Exception;
        }
    }
}
