using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net;
using Poetry.Net.Native;

namespace Poetry.Tests.Net;

/// <summary>
/// kqueue(2) and kevent(2) as their manual pages have them, as far as <see cref="KqueuePoller"/> goes, over poll(2): so
/// that its own work (filters, merging, taking back) is tested on every Unix. It proves nothing about a real kernel.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class EmulatedKqueue
{
    private const short POLLIN = 1;
    private const short POLLOUT = 4;
    private const short POLLERR = 8;
    private const short POLLHUP = 16;
    private const short POLLRDHUP = 0x2000;

    private const int EBADF = 9;
    private const int ENOENT = 2;
    private const int ENOMEM = 12;

    private static readonly Dictionary<int, List<DarwinAbi.struct_kevent>> Queues = [];

    /// <summary>Has no memory for filters of writing.</summary>
    public static bool RefuseWrites { get; set; }

    /// <summary>Makes a poller over it.</summary>
    public static KqueuePoller Open() =>
        new(new KqueueLibrary(&Kqueue, &Kevent, sizeof(DarwinAbi.struct_kevent)));

    [LibraryImport("libc")]
    private static partial int poll(PollFd* fds, nint count, int timeoutMs);

    [LibraryImport("libc")]
    private static partial int dup(int fd);

    [UnmanagedCallersOnly]
    private static int Kqueue()
    {
        int kq = dup(1);
        lock (Queues)
        {
            Queues[kq] = [];
        }

        return kq;
    }

    [UnmanagedCallersOnly]
    private static int Kevent(
        int kq, void* changes, int changeCount, void* events, int room, Libc.struct_timespec* timeout)
    {
        List<DarwinAbi.struct_kevent> queue;
        lock (Queues)
        {
            queue = Queues[kq];
        }

        for (int i = 0; i < changeCount; i++)
        {
            int error = Apply(queue, ((DarwinAbi.struct_kevent*)changes)[i]);
            if (error != 0)
            {
                Marshal.SetLastSystemError(error);
                return -1;
            }
        }

        if (room == 0)
        {
            return 0;
        }

        int timeoutMs = timeout == null ? -1 : (int)((timeout->tv_sec * 1000) + (timeout->tv_nsec / 1_000_000));
        return Wait(queue, new Span<DarwinAbi.struct_kevent>(events, room), timeoutMs);
    }

    private static int Apply(List<DarwinAbi.struct_kevent> queue, DarwinAbi.struct_kevent change)
    {
        int index = queue.FindIndex(known => known.ident == change.ident && known.filter == change.filter);
        if (change.flags == DarwinAbi.EV_DELETE)
        {
            if (index < 0)
            {
                return ENOENT;
            }

            queue.RemoveAt(index);
            return 0;
        }

        Assert.AreEqual(DarwinAbi.EV_ADD, change.flags);
        if (RefuseWrites && change.filter == DarwinAbi.EVFILT_WRITE)
        {
            return ENOMEM;
        }

        var probe = new PollFd { Fd = (int)change.ident };
        if (probe.Fd < 0 || poll(&probe, 1, 0) < 0 || (probe.Returned & 0x20) != 0)
        {
            return EBADF;
        }

        // All reads before all writes, so that the two filters of one descriptor are never neighbours.
        if (index >= 0)
        {
            queue[index] = change;
        }
        else
        {
            queue.Insert(change.filter == DarwinAbi.EVFILT_READ ? 0 : queue.Count, change);
        }

        return 0;
    }

    private static int Wait(List<DarwinAbi.struct_kevent> queue, Span<DarwinAbi.struct_kevent> events, int timeoutMs)
    {
        var fds = new PollFd[queue.Count];
        for (int i = 0; i < fds.Length; i++)
        {
            bool reads = queue[i].filter == DarwinAbi.EVFILT_READ;
            fds[i] = new PollFd { Fd = (int)queue[i].ident, Wanted = reads ? (short)(POLLIN | POLLRDHUP) : POLLOUT };
        }

        fixed (PollFd* first = fds)
        {
            if (poll(first, fds.Length, timeoutMs) < 0)
            {
                return -1;
            }
        }

        // What is reported goes to the back: the kernel hands out in turns, too.
        var reported = new List<DarwinAbi.struct_kevent>();
        int filled = 0;
        for (int i = 0; i < fds.Length && filled < events.Length; i++)
        {
            if (fds[i].Returned != 0)
            {
                reported.Add(queue[i]);
                events[filled++] = ToEvent(queue[i], fds[i].Returned);
            }
        }

        if (filled == events.Length)
        {
            reported.ForEach(one => queue.Remove(one));
            queue.AddRange(reported);
        }

        return filled;
    }

    private static DarwinAbi.struct_kevent ToEvent(DarwinAbi.struct_kevent filter, short returned)
    {
        bool ended = filter.filter == DarwinAbi.EVFILT_READ
            ? (returned & (POLLRDHUP | POLLHUP | POLLERR)) != 0
            : (returned & (POLLHUP | POLLERR)) != 0;
        filter.flags = ended ? (ushort)(DarwinAbi.EV_ADD | DarwinAbi.EV_EOF) : DarwinAbi.EV_ADD;
        filter.fflags = (returned & POLLERR) != 0 ? (uint)Errno.ECONNRESET : 0;
        return filter;
    }

    private struct PollFd
    {
        public int Fd;
        public short Wanted;
        public short Returned;
    }
}
