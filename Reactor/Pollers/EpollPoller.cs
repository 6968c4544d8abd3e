using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Linux's epoll(7), level-triggered. The kernel keeps the tokens and the interest; this class holds its descriptor
/// and a buffer for one batch of events.
/// </summary>
/// <remarks>
/// EPOLLRDHUP is not asked for: the end of input shows as EPOLLIN. To a connection that is not read from, EPOLLRDHUP would
/// be reported again and again. EPOLLERR and EPOLLHUP come unasked and are <see cref="Readiness.HangUp"/>.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class EpollPoller : Poller
{
    /// <summary>Events a wait. Chosen: 6 to 8 KB, more than one turn of a busy server finds. The rest comes with the next
    /// wait: the kernel goes round its list of ready descriptors.</summary>
    private const int BatchSize = 512;

    private static readonly int EventSize =
        RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86
            ? LinuxAbi.EpollEventPackedSize
            : LinuxAbi.EpollEventSize;

    private static readonly int DataOffset = EventSize - LinuxAbi.EpollDataSize;

    private readonly int _epfd;
    private byte* _events;

    /// <summary>Creates the epoll instance.</summary>
    /// <exception cref="System.IO.IOException">The kernel has no descriptor for it.</exception>
    /// <exception cref="PollerUnavailableError">The kernel, or a container's filter, does not have epoll.</exception>
    public EpollPoller()
    {
        _epfd = LinuxAbi.epoll_create1(LinuxAbi.EPOLL_CLOEXEC);
        if (_epfd < 0)
        {
            Errno error = LastError.OfLibc();
            throw error.IsMissingCall() ? new PollerUnavailableError("epoll is not allowed here") : ErrnoText.Failed("epoll_create1", error);
        }

        _events = (byte*)NativeMemory.Alloc(BatchSize, (nuint)EventSize);
    }

    /// <inheritdoc/>
    public override string Name => "epoll";

    /// <inheritdoc/>
    public override Errno Add(nint handle, ulong token, Interest interest) =>
        Control(LinuxAbi.EPOLL_CTL_ADD, handle, token, interest);

    /// <inheritdoc/>
    public override Errno Change(nint handle, ulong token, Interest before, Interest interest) =>
        Control(LinuxAbi.EPOLL_CTL_MOD, handle, token, interest);

    /// <inheritdoc/>
    public override void Remove(nint handle, Interest before)
    {
        // The last argument is ignored; only Linux before 2.6.9 refused a null.
        int result = LinuxAbi.epoll_ctl(_epfd, LinuxAbi.EPOLL_CTL_DEL, (int)handle, null);
        Debug.Assert(result == 0, "removed once, and before it is closed");
    }

    /// <inheritdoc/>
    /// <remarks>The kernel removes a file from every epoll with its last close: epoll(7), questions and answers, 6.</remarks>
    public override void RemoveOnClose(nint handle, Interest before)
    {
    }

    /// <inheritdoc/>
    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        Debug.Assert(!ready.IsEmpty, "room for at least one event");
        int count = LinuxAbi.epoll_wait(_epfd, _events, Math.Min(ready.Length, BatchSize), timeoutMs);
        if (count < 0)
        {
            Errno error = LastError.OfLibc();
            return error == Errno.EINTR ? Wait(ready, 0) : throw ErrnoText.Failed("epoll_wait", error);
        }

        byte* epollEvent = _events;
        for (int i = 0; i < count; i++, epollEvent += EventSize)
        {
            ulong token = Unsafe.ReadUnaligned<ulong>(epollEvent + DataOffset);
            ready[i] = new ReadyEvent(token, ToReadiness(*(uint*)epollEvent));
        }

        return count;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_events == null)
        {
            return;
        }

        NativeMemory.Free(_events);
        _events = null;
        _ = NativeDescriptor.Close(_epfd);
    }

    private static Readiness ToReadiness(uint events)
    {
        var readiness = Readiness.None;
        if ((events & LinuxAbi.EPOLLIN) != 0)
        {
            readiness |= Readiness.Read;
        }

        if ((events & LinuxAbi.EPOLLOUT) != 0)
        {
            readiness |= Readiness.Write;
        }

        if ((events & (LinuxAbi.EPOLLERR | LinuxAbi.EPOLLHUP)) != 0)
        {
            readiness |= Readiness.HangUp;
        }

        return readiness;
    }

    private Errno Control(int operation, nint handle, ulong token, Interest interest)
    {
        uint events = 0;
        if ((interest & Interest.Read) != 0)
        {
            events |= LinuxAbi.EPOLLIN;
        }

        if ((interest & Interest.Write) != 0)
        {
            events |= LinuxAbi.EPOLLOUT;
        }

        byte* epollEvent = stackalloc byte[LinuxAbi.EpollEventSize];
        *(uint*)epollEvent = events;
        Unsafe.WriteUnaligned(epollEvent + DataOffset, token);
        return NativeDescriptor.Check(LinuxAbi.epoll_ctl(_epfd, operation, (int)handle, epollEvent));
    }
}
