using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// BSD's kqueue(2), level-triggered: on macOS and FreeBSD, and on Linux over a library that has it. A descriptor has a
/// filter a direction; the kernel keeps both, with the token in <c>udata</c>.
/// </summary>
/// <remarks>
/// The two filters of one descriptor come as two events, with others between them. They leave as one, so that reading
/// comes before writing here as everywhere: <see cref="_slots"/> remembers where in the batch a descriptor was put. It is
/// never cleared: a slot counts if what stands there has the token, and tokens are not used twice.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal sealed unsafe class KqueuePoller : Poller
{
    /// <summary>Events a wait. Chosen as in <see cref="EpollPoller"/>: 16 KB, or 32 on FreeBSD.</summary>
    private const int BatchSize = 512;

    private readonly KqueueLibrary _library;
    private readonly int _kq;
    private int[] _slots = new int[64];
    private byte* _events;

    /// <summary>Makes one.</summary>
    /// <param name="library">Where the functions are.</param>
    /// <exception cref="System.IO.IOException">The kernel has no descriptor for it.</exception>
    public KqueuePoller(KqueueLibrary library)
    {
        _library = library;
        _kq = library.Kqueue();
        if (_kq < 0)
        {
            throw ErrnoText.Failed("kqueue", LastError.OfLibc());
        }

        _ = NativeDescriptor.SetCloseOnExec(_kq);
        _events = (byte*)NativeMemory.Alloc(BatchSize, (nuint)library.EventSize);
    }

    /// <inheritdoc/>
    public override string Name => "kqueue";

    /// <inheritdoc/>
    public override Errno Add(nint handle, ulong token, Interest interest)
    {
        int length = _slots.Length;
        while (length <= handle)
        {
            length *= 2;
        }

        if (length > _slots.Length)
        {
            Array.Resize(ref _slots, length);
        }

        return Change(handle, token, Interest.None, interest);
    }

    /// <inheritdoc/>
    public override Errno Change(nint handle, ulong token, Interest before, Interest interest)
    {
        // First what can fail. What went well before a failure is taken back.
        Interest added = interest & ~before;
        Interest dropped = before & ~interest;
        Errno error = Errno.None;
        if ((added & Interest.Read) != 0)
        {
            error = Update(handle, token, DarwinAbi.EVFILT_READ, DarwinAbi.EV_ADD);
        }

        if (error == Errno.None && (added & Interest.Write) != 0)
        {
            error = Update(handle, token, DarwinAbi.EVFILT_WRITE, DarwinAbi.EV_ADD);
            dropped = error == Errno.None ? dropped : added & Interest.Read;
        }
        else if (error != Errno.None)
        {
            dropped = Interest.None;
        }

        Remove(handle, dropped);
        return error;
    }

    /// <inheritdoc/>
    public override void Remove(nint handle, Interest before)
    {
        // A filter may be gone already, when the descriptor was closed too early; that is what was wanted.
        if ((before & Interest.Read) != 0)
        {
            _ = Update(handle, 0, DarwinAbi.EVFILT_READ, DarwinAbi.EV_DELETE);
        }

        if ((before & Interest.Write) != 0)
        {
            _ = Update(handle, 0, DarwinAbi.EVFILT_WRITE, DarwinAbi.EV_DELETE);
        }
    }

    /// <inheritdoc/>
    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        Debug.Assert(!ready.IsEmpty, "room for at least one event");
        var timeout = new Libc.struct_timespec { tv_sec = timeoutMs / 1000, tv_nsec = timeoutMs % 1000 * 1_000_000 };
        int room = Math.Min(ready.Length, BatchSize);
        int count = _library.Kevent(_kq, null, 0, _events, room, timeoutMs < 0 ? null : &timeout);
        if (count < 0)
        {
            Errno error = LastError.OfLibc();
            return error == Errno.EINTR ? Wait(ready, 0) : throw ErrnoText.Failed("kevent", error);
        }

        int filled = 0;
        byte* next = _events;
        for (int i = 0; i < count; i++, next += _library.EventSize)
        {
            DarwinAbi.struct_kevent* kevent = (DarwinAbi.struct_kevent*)next;
            ulong token = kevent->udata;
            Readiness readiness = ToReadiness(kevent);
            ref int slot = ref _slots[(int)kevent->ident];
            if (slot < filled && ready[slot].Token == token)
            {
                ready[slot] = new ReadyEvent(token, ready[slot].Readiness | readiness);
            }
            else
            {
                slot = filled;
                ready[filled++] = new ReadyEvent(token, readiness);
            }
        }

        return filled;
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
        _ = NativeDescriptor.Close(_kq);
    }

    /// <summary>EV_EOF of one direction is no hang-up by itself: the input of a peer that half-closed may still have
    /// data, and our output may go on. With an error in <c>fflags</c> it is.</summary>
    private static Readiness ToReadiness(DarwinAbi.struct_kevent* kevent)
    {
        Readiness readiness = kevent->filter == DarwinAbi.EVFILT_READ ? Readiness.Read : Readiness.Write;
        bool isBroken = (kevent->flags & DarwinAbi.EV_EOF) != 0 && kevent->fflags != 0;
        return isBroken ? readiness | Readiness.HangUp : readiness;
    }

    /// <summary>Changes one filter. One call each: of two changes in one call, nobody would tell which one failed.</summary>
    private Errno Update(nint handle, ulong token, short filter, ushort flags)
    {
        // Room for FreeBSD's longer struct, whose tail is to be zero.
        byte* room = stackalloc byte[DarwinAbi.KeventSize_FreeBSD];
        new Span<byte>(room, DarwinAbi.KeventSize_FreeBSD).Clear();
        var change = (DarwinAbi.struct_kevent*)room;
        change->ident = (nuint)handle;
        change->filter = filter;
        change->flags = flags;
        change->udata = (nuint)token;
        int result;
        do
        {
            result = _library.Kevent(_kq, change, 1, null, 0, null);
        }
        while (result < 0 && NativeDescriptor.IsInterrupted());
        return NativeDescriptor.Check(result);
    }
}
