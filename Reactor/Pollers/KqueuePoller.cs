using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// BSD's kqueue(2), level-triggered: on macOS and FreeBSD, and on Linux with a library that has it. A descriptor has one
/// filter for each direction; the kernel keeps both, with the token in <c>udata</c>.
/// </summary>
/// <remarks>
/// The two filters of one descriptor are reported as two events, with others between them. They are merged into one, so that
/// reading comes before writing: <see cref="_slots"/> holds the position of a descriptor in the batch. It is not cleared with
/// the batch: a slot is valid only if the event at that position has the same token, and tokens are not reused.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal sealed unsafe class KqueuePoller : Poller
{
    private readonly KqueueLibrary _library;
    private int _kq;

    /// <summary>The position of each descriptor in the batch, plus one; 0 for a descriptor that is not watched.</summary>
    private int[] _slots = new int[64];

    /// <summary>Creates the kernel queue.</summary>
    /// <param name="library">The functions kqueue and kevent.</param>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    public KqueuePoller(KqueueLibrary library)
        : base("kqueue")
    {
        _library = library;
        _kq = library.Kqueue();
        if (_kq < 0)
        {
            throw ErrnoText.Failed("kqueue", LastError.OfLibc());
        }

        _ = NativeDescriptor.SetCloseOnExec(_kq);
    }

    public override Errno Add(nint handle, ulong token, Interest interest)
    {
        // The kernel would report the events of the first watch with the token of the second.
        if ((nuint)handle < (nuint)_slots.Length && _slots[handle] != 0)
        {
            return Errno.EEXIST;
        }

        Errno error = Change(handle, token, Interest.None, interest);
        if (error == Errno.None)
        {
            if (handle >= _slots.Length)
            {
                Array.Resize(ref _slots, Math.Max((int)handle + 1, _slots.Length * 2));
            }

            _slots[handle] = 1;
        }

        return error;
    }

    public override Errno Change(nint handle, ulong token, Interest before, Interest interest)
    {
        // Additions come first, since they can fail. After a failure they are undone.
        Interest added = interest & ~before;
        Errno error = Update(handle, token, added & Interest.Read, DarwinAbi.EV_ADD);
        error = error == Errno.None ? Update(handle, token, added & Interest.Write, DarwinAbi.EV_ADD) : error;
        Drop(handle, error == Errno.None ? before & ~interest : added);
        return error;
    }

    public override void Remove(nint handle, Interest before, bool closesNext)
    {
        _slots[handle] = 0;
        Drop(handle, before);
    }

    [SkipLocalsInit]
    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        Debug.Assert(!ready.IsEmpty, "room for at least one event");
        var timeout = new Libc.struct_timespec { tv_sec = timeoutMs / 1000, tv_nsec = timeoutMs % 1000 * 1_000_000 };
        byte* next = stackalloc byte[ready.Length * _library.EventSize];
        Libc.struct_timespec* limit = timeoutMs < 0 ? null : &timeout;
        int count;
        while ((count = _library.Kevent(_kq, null, 0, next, ready.Length, limit)) < 0)
        {
            Errno error = LastError.OfLibc();
            timeout = error == Errno.EINTR ? default : throw ErrnoText.Failed("kevent", error);
            limit = &timeout;
        }

        int filled = 0;
        for (int i = 0; i < count; i++, next += _library.EventSize)
        {
            DarwinAbi.struct_kevent* kevent = (DarwinAbi.struct_kevent*)next;
            ulong token = kevent->udata;
            Readiness readiness = ToReadiness(kevent);
            Errno error = (readiness & Readiness.HangUp) != 0 ? LastError.FromRaw((int)kevent->fflags) : Errno.None;
            ref int slot = ref _slots[(int)kevent->ident];
            if (slot > 0 && slot <= filled && ready[slot - 1].Token == token)
            {
                ref ReadyEvent known = ref ready[slot - 1];
                known = new ReadyEvent(token, known.Readiness | readiness, error == Errno.None ? known.Error : error);
            }
            else
            {
                ready[filled++] = new ReadyEvent(token, readiness, error);
                slot = filled;
            }
        }

        return filled;
    }

    public override void Dispose()
    {
        _ = NativeDescriptor.Close(_kq);
        _kq = -1;
    }

    /// <summary>Opens a queue of signals, and ignores them from now on. The queue counts ignored signals too.</summary>
    /// <param name="library">The functions kqueue and kevent.</param>
    /// <param name="set">A mask with bit n for signal n.</param>
    /// <param name="handle">A descriptor that is readable while there are signals, owned by the caller; −1 after a failure.</param>
    public static Errno OpenSignals(KqueueLibrary library, uint set, out nint handle)
    {
        handle = library.Kqueue();
        if (handle < 0)
        {
            return LastError.OfLibc();
        }

        Errno error = NativeDescriptor.SetCloseOnExec(handle);
        for (int signal = 1; signal < 32 && error == Errno.None; signal++)
        {
            if ((set >> signal & 1) != 0)
            {
                error = Update(library, handle, signal, 0, DarwinAbi.EVFILT_SIGNAL, DarwinAbi.EV_ADD);
                _ = NativeSignals.Ignore(signal);
            }
        }

        if (error != Errno.None)
        {
            _ = NativeDescriptor.Close(handle);
            handle = -1;
        }

        return error;
    }

    /// <summary>Takes one signal number from the queue, even if the signal came several times.</summary>
    /// <returns>False if there is none.</returns>
    public static bool TryTakeSignal(KqueueLibrary library, nint handle, out int signal)
    {
        byte* room = stackalloc byte[DarwinAbi.KeventSize_FreeBSD];
        var none = default(Libc.struct_timespec);
        bool isTaken = library.Kevent((int)handle, null, 0, room, 1, &none) == 1;
        signal = isTaken ? (int)((DarwinAbi.struct_kevent*)room)->ident : 0;
        return isTaken;
    }

    /// <summary>Removes filters. It ignores errors: a filter that was not added, or whose descriptor was closed, does not exist.</summary>
    private void Drop(nint handle, Interest interest)
    {
        _ = Update(handle, 0, interest & Interest.Read, DarwinAbi.EV_DELETE);
        _ = Update(handle, 0, interest & Interest.Write, DarwinAbi.EV_DELETE);
    }

    /// <summary>Translates an event. EV_EOF of one direction is a hang-up only with an error in <c>fflags</c>: after a
    /// half-close there may be data to read, and output goes on.</summary>
    private static Readiness ToReadiness(DarwinAbi.struct_kevent* kevent)
    {
        Readiness readiness = kevent->filter == DarwinAbi.EVFILT_READ ? Readiness.Read : Readiness.Write;
        bool isBroken = (kevent->flags & DarwinAbi.EV_EOF) != 0 && kevent->fflags != 0;
        return isBroken ? readiness | Readiness.HangUp : readiness;
    }

    /// <summary>Changes one filter, or none. With two changes in one call it would be unknown which of them failed.</summary>
    private Errno Update(nint handle, ulong token, Interest direction, ushort flags) => direction == Interest.None
        ? Errno.None
        : Update(_library, _kq, handle, token, direction == Interest.Read ? DarwinAbi.EVFILT_READ : DarwinAbi.EVFILT_WRITE, flags);

    private static Errno Update(KqueueLibrary library, nint queue, nint ident, ulong token, short filter, ushort flags)
    {
        // FreeBSD's struct is longer; its tail must be zero.
        byte* room = stackalloc byte[DarwinAbi.KeventSize_FreeBSD];
        new Span<byte>(room, DarwinAbi.KeventSize_FreeBSD).Clear();
        var change = (DarwinAbi.struct_kevent*)room;
        change->ident = (nuint)ident;
        change->filter = filter;
        change->flags = flags;
        change->udata = (nuint)token;
        int result;
        do
        {
            result = library.Kevent((int)queue, change, 1, null, 0, null);
        }
        while (NativeDescriptor.IsInterrupted(result));

        return NativeDescriptor.Check(result);
    }
}
