using System;

namespace Poetry.Net;

/// <summary>What a descriptor is watched for.</summary>
[Flags]
internal enum Interest : byte
{
    /// <summary>Nothing but errors and hang-ups, where the backend can tell them.</summary>
    None = 0,

    /// <summary>Input, a waiting connection, or the end of input.</summary>
    Read = 1,

    /// <summary>Room for output, or the end of a connect.</summary>
    Write = 2,
}

/// <summary>What the kernel says of one descriptor. The default is an event for nobody.</summary>
internal readonly struct ReadyEvent(ulong token, Readiness readiness)
{
    /// <summary>What the descriptor was added with.</summary>
    public readonly ulong Token = token;

    /// <summary>What it is ready for.</summary>
    public readonly Readiness Readiness = readiness;
}

/// <summary>What a descriptor is ready for.</summary>
[Flags]
internal enum Readiness : byte
{
    /// <summary>Nothing: a spurious event.</summary>
    None = 0,

    /// <summary>A read will not block.</summary>
    Read = 1,

    /// <summary>A write will not block.</summary>
    Write = 2,

    /// <summary>An error is pending, or both directions are over: whichever call comes next will tell which.</summary>
    HangUp = 4,
}

/// <summary>
/// The contract of a backend: which descriptors are ready, and nothing else. Dispatch, timers, waking and transports are
/// written once, above it.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>Level-triggered: what is not dealt with is reported again by the next wait.</item>
/// <item>Spurious events are allowed; a lost one is not.</item>
/// <item>An event carries the token the descriptor was last added or changed with. A removed descriptor is never reported
/// by a later wait; events of the same batch are the reactor's business, which knows stale tokens.</item>
/// <item>All that is ready of one descriptor comes as one event of a batch.</item>
/// <item>Time-outs are rounded up: a wait never ends early without an event, except for a signal, when it returns 0.</item>
/// <item>Hang-ups are reported under any interest, <see cref="Interest.None"/> included, by backends that can
/// (epoll); the others report them as what is watched for.</item>
/// <item>Called on the reactor's thread only.</item>
/// </list>
/// </remarks>
internal abstract class Poller : IDisposable
{
    /// <summary>The name by which <c>POETRY_REACTOR</c> asks for it.</summary>
    public abstract string Name { get; }

    /// <summary>Starts to watch a descriptor that is not watched.</summary>
    /// <param name="handle">A descriptor, or a SOCKET. Not owned.</param>
    /// <param name="token">Comes back with its events.</param>
    /// <param name="interest">What to watch for.</param>
    /// <returns>What the kernel said: <see cref="Errno.None"/>, or why the descriptor is not watched (ENOSPC, ENOMEM,
    /// EPERM for a file that can't be waited for).</returns>
    public abstract Errno Add(nint handle, ulong token, Interest interest);

    /// <summary>Changes what a watched descriptor is watched for.</summary>
    /// <param name="handle">As added.</param>
    /// <param name="token">As added.</param>
    /// <param name="before">What it was watched for.</param>
    /// <param name="interest">What to watch for from now on.</param>
    /// <returns>As <see cref="Add"/>; after a failure what was before still holds.</returns>
    public abstract Errno Change(nint handle, ulong token, Interest before, Interest interest);

    /// <summary>Ends the watch. To be called before the descriptor is closed.</summary>
    /// <param name="handle">As added.</param>
    /// <param name="before">What it was watched for.</param>
    public abstract void Remove(nint handle, Interest before);

    /// <summary>
    /// Ends the watch of a descriptor that is closed next, and that nobody has a duplicate of: a backend whose kernel ends the
    /// watch with the close saves a call.
    /// </summary>
    /// <param name="handle">As added.</param>
    /// <param name="before">What it was watched for.</param>
    public virtual void Forget(nint handle, Interest before) => Remove(handle, before);

    /// <summary>Waits until something is ready, or the time is over.</summary>
    /// <param name="ready">Filled from the front. What does not fit comes with the next wait.</param>
    /// <param name="timeoutMs">−1 waits for ever, 0 only looks.</param>
    /// <returns>How many events there are; 0 for the end of the time. A signal ends the wait with a last look: the process may
    /// have been stopped for longer than any time-out, and what came meanwhile is to be heard before they run out.</returns>
    /// <exception cref="System.IO.IOException">The backend is broken; the loop can't go on.</exception>
    public abstract int Wait(Span<ReadyEvent> ready, int timeoutMs);

    /// <summary>Frees the backend; descriptors that are still watched are left as they are.</summary>
    public abstract void Dispose();
}
