using System;
using System.IO;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The cache that proxies share, as one reactor sees it: each call is one operation of the server. It knows no policy: when
/// it is used, what an outage is worth in the log, and when it is tried again is decided by its caller.
/// </summary>
/// <remarks>
/// <para>A deferred fails with a <see cref="SharedStoreError"/> if the cache can't be used: unreachable, slow, full, read-only,
/// refusing, or answering nonsense. A value or a lock of the wrong type is no failure. Cancelling a deferred gives the operation
/// up, at the price of its connection if need be, and is no failure of the cache.</para>
/// <para>A key is made by <see cref="SharedNames.KeyOf"/>; its lock is <see cref="SharedNames.LockOf"/>. Operations may
/// overtake each other. In particular a short one does not wait until a long value is read or written.</para>
/// </remarks>
internal interface ISharedStore
{
    /// <summary>Reads a value, and how long it has to live.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="receiver">
    /// Receives the value as it arrives, frame and all: <see cref="IPoemReceiver.Connected"/>, then
    /// <see cref="IPoemReceiver.Announced"/> with the length of the value, then its bytes. It is called for a hit only, and not
    /// after the deferred has fired. While it pauses the producer, no time-out runs. If it refuses bytes, the result is
    /// <see cref="SharedRead.Missing"/>.
    /// </param>
    Deferred<SharedRead> Get(string key, IPoemReceiver receiver);

    /// <summary>Takes the lock of a key if it is free: <c>SET lock token NX PX lease</c>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="token">Distinguishes this fetch from all others.</param>
    /// <param name="replacesInvalid">True to take it, atomically, also from a lock that <see cref="SharedLock.Invalid"/> stands
    /// for.</param>
    Deferred<SharedLock> TryLock(string key, string token, bool replacesInvalid);

    /// <summary>Extends the lock to a whole lease, if it has this token.</summary>
    /// <returns>Fires with false if the lock is another's, or gone.</returns>
    Deferred<bool> Renew(string key, string token);

    /// <summary>Stores a value and gives the lock back, in one step, if the lock has this token.</summary>
    /// <param name="key">The key; a value of any type is replaced.</param>
    /// <param name="token">Of the lock.</param>
    /// <param name="poem">Complete. The caller holds a reference until the deferred has fired, and the store reads it no more
    /// then.</param>
    /// <param name="lifetime">More than zero; <see cref="TimeSpan.MaxValue"/> for ever.</param>
    /// <returns>Fires with false if the lock is another's, or gone: then nothing was stored.</returns>
    Deferred<bool> Store(string key, string token, PoemBuffer poem, TimeSpan lifetime);

    /// <summary>Gives the lock back, if it has this token. Succeeds also where the server refuses scripts.</summary>
    Deferred<Unit> Unlock(string key, string token);

    /// <summary>Removes a value that is no poem. Its lock stays.</summary>
    Deferred<Unit> Remove(string key);

    /// <summary>Removes values and locks, and then publishes each key to all subscribers.</summary>
    /// <param name="keys">At least one. They may be in different slots of a cluster.</param>
    Deferred<Unit> Purge(string[] keys);

    /// <summary>Subscribes to the channel of purged keys. From the moment when the deferred fires, no purge is missed until the
    /// subscription is lost.</summary>
    /// <param name="purged">Called with the key that a proxy, perhaps this one, has purged.</param>
    /// <param name="lost">Called once when the subscription has ended, unless this store was closed.</param>
    Deferred<Unit> Subscribe(Action<string> purged, Action<SharedStoreError> lost);

    /// <summary>Writes a short-lived value, to find out if the cache can be used.</summary>
    Deferred<Unit> Probe();

    /// <summary>
    /// Closes all connections. What was handed over to be sent and fits into the kernel's buffer is sent before; what waits for
    /// an answer fails.
    /// </summary>
    void Close();
}

/// <summary>How an attempt to take a lock ended.</summary>
internal enum SharedLock : byte
{
    /// <summary>The lock has the token now.</summary>
    Taken,

    /// <summary>Another fetch has it, and what is left of its lease is no more than a lease.</summary>
    Held,

    /// <summary>No fetch of a proxy has made this lock: it has no expiry, or one that is longer than a lease.</summary>
    Invalid,
}

/// <summary>What was read.</summary>
/// <param name="IsHit">True if there was a value, and all of it was received. False also if a value of another type was
/// there, or the receiver has refused bytes.</param>
/// <param name="Length">Of the value, in bytes.</param>
/// <param name="ExpiresAt">On the reactor's clock, and rather too early than too late; <see cref="TimeSpan.MaxValue"/> if
/// the value has no expiry. In the past if it expired, or was not there, when its expiry was asked for.</param>
internal readonly record struct SharedRead(bool IsHit, long Length, TimeSpan ExpiresAt)
{
    public static readonly SharedRead Missing;
}

/// <summary>The shared cache can't be used, or has refused an operation.</summary>
/// <param name="message">One line for the log, without a full stop, and without a password.</param>
internal sealed class SharedStoreError(string message) : IOException(message)
{
    /// <summary>True if the server has answered with an error that is of this operation: others may succeed.</summary>
    public bool IsRefusal { get; init; }
}
