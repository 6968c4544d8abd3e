using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Linux's epoll(7), level-triggered. The kernel keeps the tokens and the interest; this class holds only the descriptor.
/// </summary>
/// <remarks>
/// EPOLLRDHUP is not requested: the end of input is reported as EPOLLIN, and EPOLLRDHUP would be reported again and again for a
/// connection that is not read from. The kernel always reports EPOLLERR and EPOLLHUP, which are <see cref="Readiness.HangUp"/>.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class EpollPoller : Poller
{
    private static readonly int EventSize =
        RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86
            ? LinuxAbi.EpollEventPackedSize
            : LinuxAbi.EpollEventSize;

    private static readonly int DataOffset = EventSize - LinuxAbi.EpollDataSize;

    private int _epfd;

    /// <summary>Creates the epoll instance.</summary>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    /// <exception cref="PollerUnavailableError">The kernel has no epoll, or a container's filter forbids it.</exception>
    public EpollPoller()
        : base("epoll")
    {
        _epfd = LinuxAbi.epoll_create1(LinuxAbi.EPOLL_CLOEXEC);
        if (_epfd < 0)
        {
            Errno error = LastError.OfLibc();
            throw error.IsMissingCall() ? new PollerUnavailableError("epoll is not allowed here") : ErrnoText.Failed("epoll_create1", error);
        }
    }

    public override Errno Add(nint handle, ulong token, Interest interest) =>
        Control(LinuxAbi.EPOLL_CTL_ADD, handle, token, interest);

    public override Errno Change(nint handle, ulong token, Interest before, Interest interest) =>
        Control(LinuxAbi.EPOLL_CTL_MOD, handle, token, interest);

    /// <remarks>The last close of a file removes it from every epoll: epoll(7), questions and answers, 6.</remarks>
    public override void Remove(nint handle, Interest before, bool closesNext)
    {
        // The last argument is ignored. Linux before 2.6.9 refused a null.
        int result = closesNext ? 0 : LinuxAbi.epoll_ctl(_epfd, LinuxAbi.EPOLL_CTL_DEL, (int)handle, null);
        Debug.Assert(result == 0, "removed once, and before it is closed");
    }

    [SkipLocalsInit]
    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        Debug.Assert(!ready.IsEmpty, "room for at least one event");
        byte* epollEvent = stackalloc byte[ready.Length * EventSize];
        int count;
        while ((count = LinuxAbi.epoll_wait(_epfd, epollEvent, ready.Length, timeoutMs)) < 0)
        {
            Errno error = LastError.OfLibc();
            timeoutMs = error == Errno.EINTR ? 0 : throw ErrnoText.Failed("epoll_wait", error);
        }

        for (int i = 0; i < count; i++, epollEvent += EventSize)
        {
            ulong token = Unsafe.ReadUnaligned<ulong>(epollEvent + DataOffset);
            ready[i] = new ReadyEvent(token, (Readiness)(*(uint*)epollEvent));
        }

        return count;
    }

    public override void Dispose()
    {
        _ = NativeDescriptor.Close(_epfd);
        _epfd = -1;
    }

    private Errno Control(int operation, nint handle, ulong token, Interest interest)
    {
        byte* epollEvent = stackalloc byte[LinuxAbi.EpollEventSize];
        *(uint*)epollEvent = (uint)interest;
        Unsafe.WriteUnaligned(epollEvent + DataOffset, token);
        return NativeDescriptor.Check(LinuxAbi.epoll_ctl(_epfd, operation, (int)handle, epollEvent));
    }
}
