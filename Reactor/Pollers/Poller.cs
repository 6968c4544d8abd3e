using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>What a descriptor is watched for. The numbers are epoll's, so that its backend translates nothing.</summary>
[Flags]
internal enum Interest : byte
{
    /// <summary>Errors and hang-ups only, where the backend reports them.</summary>
    None = 0,

    /// <summary>Input, a waiting connection, or the end of input.</summary>
    Read = (byte)LinuxAbi.EPOLLIN,

    /// <summary>Room for output, or the end of a connect.</summary>
    Write = (byte)LinuxAbi.EPOLLOUT,
}

/// <summary>What the kernel says of one descriptor. The default belongs to no descriptor.</summary>
internal readonly struct ReadyEvent(ulong token, Readiness readiness, Errno error = Errno.None)
{
    public readonly ulong Token = token;

    public readonly Readiness Readiness = readiness;

    /// <summary>The error of the socket, where the backend reports it (kqueue).</summary>
    public readonly Errno Error = error;
}

/// <summary>What a descriptor is ready for, in epoll's numbers as <see cref="Interest"/>.</summary>
[Flags]
internal enum Readiness : byte
{
    /// <summary>Nothing: a spurious event.</summary>
    None = 0,

    /// <summary>A read will not block.</summary>
    Read = Interest.Read,

    /// <summary>A write will not block.</summary>
    Write = Interest.Write,

    /// <summary>An error is pending, or both directions are closed; the next call returns the error. Two bits, of which one is
    /// enough.</summary>
    HangUp = (byte)(LinuxAbi.EPOLLERR | LinuxAbi.EPOLLHUP),
}

/// <summary>
/// The contract of a backend: it tells which descriptors are ready. Dispatch, timers, waking and transports are written
/// once, above it.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>Level-triggered: what is not handled is reported again by the next wait.</item>
/// <item>Spurious events are allowed; a lost one is not.</item>
/// <item>An event has the token with which the descriptor was last added or changed. A removed descriptor is never reported
/// by a later wait; in the batch at hand it may be; the reactor recognizes stale tokens.</item>
/// <item>A batch has at most one event for a descriptor.</item>
/// <item>Time-outs are rounded up: a wait never ends early without an event, except for a signal, when it returns 0.</item>
/// <item>Hang-ups are reported under any interest, <see cref="Interest.None"/> included, by backends that can
/// (epoll); the others report them as what is watched for.</item>
/// <item>Called on the reactor's thread only.</item>
/// </list>
/// </remarks>
internal abstract class Poller(string name) : IDisposable
{
    /// <summary>The name by which <c>POETRY_REACTOR</c> asks for it.</summary>
    public string Name { get; } = name;

    /// <summary>Starts to watch a descriptor.</summary>
    /// <param name="handle">A descriptor, or a SOCKET. Not owned.</param>
    /// <param name="token">Returned with its events.</param>
    /// <param name="interest">What to watch for.</param>
    /// <returns>What the kernel said: <see cref="Errno.None"/>, or why the descriptor is not watched (ENOSPC, ENOMEM,
    /// EPERM for a file that can't be waited for, EEXIST for one that is watched already).</returns>
    public abstract Errno Add(nint handle, ulong token, Interest interest);

    /// <summary>Changes what a descriptor, added with this token, is watched for: from the one interest to the other.</summary>
    /// <returns>As <see cref="Add"/>; after a failure the former interest is in force.</returns>
    public abstract Errno Change(nint handle, ulong token, Interest before, Interest interest);

    /// <summary>
    /// Ends the watch. To be called before the descriptor is closed: right before, if it has no duplicate and
    /// <paramref name="closesNext"/> is true, since the kernel may then end the watch with the close, without a call.
    /// </summary>
    public abstract void Remove(nint handle, Interest before, bool closesNext = false);

    /// <summary>Waits until something is ready, or the time is over.</summary>
    /// <param name="ready">Filled from the front; some hundred at most, since backends hold the kernel's events on the stack. The rest
    /// comes with the next wait.</param>
    /// <param name="timeoutMs">−1 waits without limit, 0 does not wait.</param>
    /// <returns>The number of events; 0 after the time-out. After a signal it polls once more: the process may have been
    /// stopped for longer than any time-out, and input that came meanwhile must be seen before time-outs fire.</returns>
    /// <exception cref="System.IO.IOException">The backend is broken; the loop can't go on.</exception>
    public abstract int Wait(Span<ReadyEvent> ready, int timeoutMs);

    /// <summary>Frees the backend; descriptors that are still watched are left as they are.</summary>
    public abstract void Dispose();
}
