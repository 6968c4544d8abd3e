using System.Diagnostics;
using System.Numerics;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// select(2), on every Unix, for any number of descriptors: the sets are our own bit arrays, and the kernels use the count in
/// the call, not FD_SETSIZE. Every wait costs time in proportion to the highest descriptor.
/// </summary>
/// <remarks>
/// A set is an array of words; bit n of the array is descriptor n. The words are <c>unsigned long</c> on Linux and FreeBSD,
/// <c>int32_t</c> on macOS; since macOS is little-endian, 64-bit words work on all. Winsock's select is different:
/// <see cref="WinsockSelectPoller"/>.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal sealed unsafe class SelectPoller() : Poller("select")
{
    private const int BitsPerWord = 64;

    private ulong[] _reads = new ulong[1];
    private ulong[] _writes = new ulong[1];
    private ulong[] _readyReads = new ulong[1];
    private ulong[] _readyWrites = new ulong[1];
    private ulong[] _tokens = new ulong[BitsPerWord];

    /// <summary>The number of words in use: the last one holds the highest descriptor that is watched.</summary>
    private int _words;

    /// <summary>The descriptor at which the next scan begins, so that a small batch does not starve the high descriptors.</summary>
    private int _next;

    public override Errno Add(nint handle, ulong token, Interest interest)
    {
        // A bad descriptor would make every later wait fail, and the error does not name it.
        if (!NativeDescriptor.IsOpen(handle))
        {
            return Errno.EBADF;
        }

        int word = (int)handle / BitsPerWord;
        if (word >= _reads.Length)
        {
            Grow(word + 1);
        }

        if (_tokens[handle] != 0)
        {
            return Errno.EEXIST;
        }

        return Change(handle, token, Interest.None, interest);
    }

    public override Errno Change(nint handle, ulong token, Interest before, Interest interest)
    {
        _tokens[handle] = token;
        int word = (int)handle / BitsPerWord;
        ulong bit = 1UL << ((int)handle % BitsPerWord);
        Set(ref _reads[word], bit, (interest & Interest.Read) != 0);
        Set(ref _writes[word], bit, (interest & Interest.Write) != 0);
        if (interest != Interest.None)
        {
            // Removing other descriptors may have shortened the sets.
            _words = Math.Max(_words, word + 1);
        }

        return Errno.None;
    }

    public override void Remove(nint handle, Interest before, bool closesNext)
    {
        _ = Change(handle, 0, before, Interest.None);
        while (_words > 0 && (_reads[_words - 1] | _writes[_words - 1]) == 0)
        {
            _words--;
        }
    }

    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        Debug.Assert(!ready.IsEmpty, "room for at least one event");
        int found;
        while ((found = Select(timeoutMs)) < 0)
        {
            Errno error = LastError.OfLibc();
            if (error == Errno.EBADF)
            {
                return CollectClosed(ready);
            }

            timeoutMs = error == Errno.EINTR ? 0 : throw ErrnoText.Failed("select", error);
        }

        return found == 0 ? 0 : Collect(ready);
    }

    public override void Dispose()
    {
    }

    private int Select(int timeoutMs)
    {
        Array.Copy(_reads, _readyReads, _words);
        Array.Copy(_writes, _readyWrites, _words);
        var timeout = new Libc.struct_timeval { tv_sec = timeoutMs / 1000, tv_usec = timeoutMs % 1000 * 1000 };
        fixed (ulong* reads = _readyReads, writes = _readyWrites)
        {
            Libc.struct_timeval* limit = timeoutMs < 0 ? null : &timeout;
            int count = _words * BitsPerWord;
            return OperatingSystem.IsMacOS()
                ? DarwinAbi.select(count, reads, writes, null, limit)
                : Libc.select(count, reads, writes, null, limit);
        }
    }

    private static void Set(ref ulong word, ulong bit, bool on) => word = on ? word | bit : word & ~bit;

    /// <summary>Scans the sets once, from the end of the previous batch on. The first word is visited twice: its upper bits
    /// first, its lower bits last.</summary>
    private int Collect(Span<ReadyEvent> ready)
    {
        int start = _next < _words * BitsPerWord ? _next : 0;
        int first = start / BitsPerWord;
        ulong upper = ulong.MaxValue << (start % BitsPerWord);
        int filled = 0;
        for (int i = 0; i <= _words && filled < ready.Length; i++)
        {
            int word = first + i;
            word = word < _words ? word : word - _words;
            ulong part = i == 0 ? upper : i == _words ? ~upper : ulong.MaxValue;
            ulong either = (_readyReads[word] | _readyWrites[word]) & part;
            for (; either != 0 && filled < ready.Length; either &= either - 1)
            {
                int descriptor = (word * BitsPerWord) + BitOperations.TrailingZeroCount(either);
                ready[filled++] = new ReadyEvent(_tokens[descriptor], ReadinessOf(_readyReads, _readyWrites, descriptor));
                _next = descriptor + 1;
            }
        }

        return filled;
    }

    /// <summary>Called if a descriptor was closed before it was removed. Stops watching closed descriptors, and reports each
    /// once as ready: its callback then gets the error. epoll removes them by itself.</summary>
    private int CollectClosed(Span<ReadyEvent> ready)
    {
        int filled = 0;
        for (int descriptor = 0; descriptor < _words * BitsPerWord && filled < ready.Length; descriptor++)
        {
            Readiness wanted = ReadinessOf(_reads, _writes, descriptor);
            if (wanted != Readiness.None && !NativeDescriptor.IsOpen(descriptor))
            {
                ready[filled++] = new ReadyEvent(_tokens[descriptor], wanted);
                _ = Change(descriptor, _tokens[descriptor], default, Interest.None);
            }
        }

        return filled;
    }

    private static Readiness ReadinessOf(ulong[] reads, ulong[] writes, int descriptor)
    {
        int word = descriptor / BitsPerWord;
        int bit = descriptor % BitsPerWord;
        Readiness readiness = (reads[word] >> bit & 1) != 0 ? Readiness.Read : Readiness.None;
        return (writes[word] >> bit & 1) != 0 ? readiness | Readiness.Write : readiness;
    }

    private void Grow(int words)
    {
        words = Math.Max(words, _reads.Length * 2);
        Array.Resize(ref _reads, words);
        Array.Resize(ref _writes, words);
        Array.Resize(ref _readyReads, words);
        Array.Resize(ref _readyWrites, words);
        Array.Resize(ref _tokens, words * BitsPerWord);
    }
}
