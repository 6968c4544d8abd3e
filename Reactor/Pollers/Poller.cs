using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>The directions for which a descriptor is watched. The numbers are epoll's, so that its backend translates nothing.</summary>
[Flags]
internal enum Interest : byte
{
    /// <summary>Only errors and hang-ups, if the backend reports them.</summary>
    None = 0,

    /// <summary>Input, a waiting connection, or the end of input.</summary>
    Read = (byte)LinuxAbi.EPOLLIN,

    /// <summary>Space for output, or the end of a connect.</summary>
    Write = (byte)LinuxAbi.EPOLLOUT,
}

/// <summary>An event of one descriptor. The default belongs to no descriptor.</summary>
internal readonly struct ReadyEvent(ulong token, Readiness readiness, Errno error = Errno.None)
{
    public readonly ulong Token = token;

    public readonly Readiness Readiness = readiness;

    /// <summary>The error of the socket, if the backend reports it (kqueue).</summary>
    public readonly Errno Error = error;
}

/// <summary>The calls for which a descriptor is ready. The numbers are epoll's, as in <see cref="Interest"/>.</summary>
[Flags]
internal enum Readiness : byte
{
    /// <summary>Nothing: a spurious event.</summary>
    None = 0,

    /// <summary>A read will not block.</summary>
    Read = Interest.Read,

    /// <summary>A write will not block.</summary>
    Write = Interest.Write,

    /// <summary>An error is pending, or both directions are closed; the next call returns the error. One of the two bits is
    /// enough.</summary>
    HangUp = (byte)(LinuxAbi.EPOLLERR | LinuxAbi.EPOLLHUP),
}

/// <summary>
/// The contract of a backend, which reports ready descriptors. Dispatch, timers, waking and transports are written once,
/// above it.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>Level-triggered: an event that is not handled is reported again by the next wait.</item>
/// <item>Spurious events are allowed; lost events are not.</item>
/// <item>An event has the token with which the descriptor was last added or changed. A removed descriptor may still be in the
/// current batch, where the reactor recognizes its stale token. A later wait never reports it.</item>
/// <item>A batch has at most one event for a descriptor.</item>
/// <item>Timeouts are rounded up: a wait without an event never ends early, except after a signal, when it returns 0.</item>
/// <item>Hang-ups are reported under any interest, including <see cref="Interest.None"/>, by backends that can do it
/// (epoll); the others report them as readiness for the interest.</item>
/// <item>All members are called on the reactor's thread only.</item>
/// </list>
/// </remarks>
internal abstract class Poller(string name) : IDisposable
{
    /// <summary>The name that selects it in <c>POETRY_REACTOR</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Starts to watch a descriptor.</summary>
    /// <param name="handle">A descriptor, or a SOCKET. Not owned.</param>
    /// <param name="token">The value that is returned with its events.</param>
    /// <param name="interest">The directions to watch.</param>
    /// <returns><see cref="Errno.None"/>, or the error if the descriptor is not watched: ENOSPC, ENOMEM, EPERM for a file
    /// that can't be waited for, EEXIST if it is watched already.</returns>
    public abstract Errno Add(nint handle, ulong token, Interest interest);

    /// <summary>Changes the interest of a descriptor that was added with this token.</summary>
    /// <returns>As <see cref="Add"/>; after a failure the previous interest is unchanged.</returns>
    public abstract Errno Change(nint handle, ulong token, Interest before, Interest interest);

    /// <summary>
    /// Ends the watch, before the descriptor is closed. <paramref name="closesNext"/> is true if the close follows at once and
    /// the descriptor has no duplicate: the kernel may then end the watch at the close, which saves a call.
    /// </summary>
    public abstract void Remove(nint handle, Interest before, bool closesNext = false);

    /// <summary>Waits for events until the timeout.</summary>
    /// <param name="ready">The buffer, filled from the front; a few hundred events at most, since backends hold the kernel's
    /// events on the stack. The next wait returns the rest.</param>
    /// <param name="timeoutMs">The maximum wait; −1 for no limit, 0 to return at once.</param>
    /// <returns>The number of events; 0 after the timeout. After a signal it polls once more: the process may have been
    /// stopped for longer than any timeout, and input that arrived meanwhile must be seen before timeouts fire.</returns>
    /// <exception cref="System.IO.IOException">The backend has failed; the loop can't go on.</exception>
    public abstract int Wait(Span<ReadyEvent> ready, int timeoutMs);

    /// <summary>Frees the backend. Descriptors that are still watched are not closed.</summary>
    public abstract void Dispose();
}
