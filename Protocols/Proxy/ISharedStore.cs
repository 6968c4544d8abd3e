using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The cache that proxies share, for one reactor. Each call is one operation of the server. It has no policy: the caller
/// decides when to use it, how to log an outage, and when to try again.
/// </summary>
/// <remarks>
/// <para>A deferred fails with a <see cref="SharedStoreError"/> if the cache can't be used: it is unreachable, slow, full or
/// read-only, refuses the operation, or sends an invalid reply. A value or a lock of the wrong type is not a failure. Cancelling
/// a deferred cancels the operation, and may abort its connection; that is not a failure of the cache.</para>
/// <para><see cref="SharedNames.KeyOf"/> makes a key, and <see cref="SharedNames.LockOf"/> the name of its lock. Operations may
/// overtake each other: a short one does not wait until a long value is read or written.</para>
/// </remarks>
internal interface ISharedStore
{
    /// <summary>Reads a value and its expiry.</summary>
    /// <param name="key">The key of the value.</param>
    /// <param name="receiver">
    /// Receives the value, with its frame, as it arrives: <see cref="IPoemReceiver.Connected"/>, then
    /// <see cref="IPoemReceiver.Announced"/> with the length of the value, then its bytes. It is called for a hit only, and not
    /// after the deferred has fired. While it pauses the producer, no timeout runs. If it refuses bytes, the result is
    /// <see cref="SharedRead.Missing"/>.
    /// </param>
    Deferred<SharedRead> Get(string key, IPoemReceiver receiver);

    /// <summary>Takes the lock of a key if it is free: <c>SET lock token NX PX lease</c>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="token">The unique name of this fetch.</param>
    /// <param name="replacesInvalid">True to replace, in the same step, a lock that is <see cref="SharedLock.Invalid"/>.</param>
    Deferred<SharedLock> TryLock(string key, string token, bool replacesInvalid);

    /// <summary>Extends the lock to a whole lease, if it has this token.</summary>
    /// <returns>Fires with false if the lock has another token, or is gone.</returns>
    Deferred<bool> Renew(string key, string token);

    /// <summary>Stores a value and gives the lock back, in one step, if the lock has this token.</summary>
    /// <param name="key">The key; a value of any type is replaced.</param>
    /// <param name="token">The token of the lock.</param>
    /// <param name="poem">The complete poem. The caller holds a reference until the deferred has fired; then the store reads it no
    /// longer.</param>
    /// <param name="lifetime">The lifetime of the value, more than zero; <see cref="TimeSpan.MaxValue"/> for ever.</param>
    /// <returns>Fires with false if the lock has another token, or is gone: then nothing was stored.</returns>
    Deferred<bool> Store(string key, string token, PoemBuffer poem, TimeSpan lifetime);

    /// <summary>Gives the lock back, if it has this token. Succeeds also if the server refuses scripts.</summary>
    Deferred<Unit> Unlock(string key, string token);

    /// <summary>Removes a value that is not a poem. Its lock stays.</summary>
    Deferred<Unit> Remove(string key);

    /// <summary>Removes values and locks, and then publishes each key to all subscribers.</summary>
    /// <param name="keys">At least one. They may be in different slots of a cluster.</param>
    Deferred<Unit> Purge(string[] keys);

    /// <summary>Subscribes to the channel of purged keys. After the deferred has fired, no purge is missed until the subscription
    /// is lost.</summary>
    /// <param name="purged">Called with each key that a proxy, perhaps this one, has purged.</param>
    /// <param name="lost">Called once when the subscription has ended, unless this store was closed.</param>
    Deferred<Unit> Subscribe(Action<string> purged, Action<SharedStoreError> lost);

    /// <summary>Writes a short-lived value, to check that the cache can be used.</summary>
    Deferred<Unit> Probe();

    /// <summary>
    /// Closes all connections, and aborts those with bytes that the kernel has not taken. Operations that wait for a reply
    /// fail.
    /// </summary>
    void Close();
}

/// <summary>The result of an attempt to take a lock.</summary>
internal enum SharedLock : byte
{
    /// <summary>The lock has the token now.</summary>
    Taken,

    /// <summary>Another fetch has it, and its expiry is not longer than a lease.</summary>
    Held,

    /// <summary>No proxy has made this lock: it has no expiry, or one that is longer than a lease.</summary>
    Invalid,
}

/// <summary>The result of a read.</summary>
/// <param name="IsHit">True if there was a value, and all of it was received. False also if the value is of
/// another type, or the receiver has refused bytes.</param>
/// <param name="Length">The length of the value in bytes.</param>
/// <param name="ExpiresAt">The expiry on the reactor's clock, rather too early than too late; <see cref="TimeSpan.MaxValue"/>
/// if the value has none. In the past if the value had expired, or did not exist, when its expiry was read.</param>
internal readonly record struct SharedRead(bool IsHit, long Length, TimeSpan ExpiresAt)
{
    public static readonly SharedRead Missing;
}

/// <summary>The shared cache can't be used, or has refused an operation.</summary>
/// <param name="message">One line for the log, without a full stop, and without a password.</param>
internal sealed class SharedStoreError(string message) : IOException(message)
{
    /// <summary>True if the server has refused only this operation: others may succeed.</summary>
    public bool IsRefusal { get; init; }
}
