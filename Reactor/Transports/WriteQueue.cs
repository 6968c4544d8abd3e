using System;
using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The bytes of one connection that the kernel has not taken yet: memory shared by reference, or copied into rented
/// arrays, never both for the same byte. Private to its transport; an empty queue holds no memory.
/// </summary>
/// <remarks>One poem to one client is one segment, which lies in the queue itself; only more than one need a list.</remarks>
internal struct WriteQueue
{
    /// <summary>What a copy rents at least, so that many small writes become one segment and one system call.</summary>
    private const int SmallestCopy = 4096;

    /// <summary>Pieces handed to the kernel at once: enough to amortise the call, few enough for the stack.</summary>
    private const int MostPieces = 16;

    /// <summary>From here on the kernel is asked to send from the file that the memory is a mapping of, if it is one.</summary>
    private const int SmallestFromFile = 64 * 1024;

    private Segment _first;

    /// <summary>
    /// What is behind the first. Made when first needed and kept from then on, for the transport is used again; most never
    /// need it, and ten thousand idle connections should not pay for it.
    /// </summary>
    private Tail? _rest;

    /// <summary>Bytes in the queue.</summary>
    public readonly long Length => _first.Bytes.Length + (_rest?.Length ?? 0);

    /// <summary>Is there nothing to send?</summary>
    public readonly bool IsEmpty => _first.IsEmpty;

    /// <summary>Queues memory by reference.</summary>
    /// <param name="shared">Stays the caller's and must not change until it has been sent.</param>
    public void AppendShared(ReadOnlyMemory<byte> shared)
    {
        if (!shared.IsEmpty)
        {
            Append(new Segment(shared, isCopy: false));
        }
    }

    /// <summary>Queues a copy.</summary>
    public void AppendCopy(ReadOnlySpan<byte> data)
    {
        int taken = _rest is { IsEmpty: false } ? _rest.Extend(data) : _first.Extend(data);
        if (taken < data.Length)
        {
            Append(Segment.Copy(data[taken..], SmallestCopy));
        }
    }

    /// <summary>Sends as much as the kernel takes, in one call.</summary>
    /// <param name="handle">The socket.</param>
    /// <param name="more">More will follow at once, or the end: the kernel need not send a last short packet.</param>
    /// <param name="sent">How many bytes it took; they have left the queue.</param>
    /// <returns>What the kernel said; EAGAIN also if it took a part, for then it has no room for more.</returns>
    public Errno Flush(nint handle, bool more, out nint sent)
    {
        Debug.Assert(!IsEmpty, "there is something to send");
        Errno error = _rest is { IsEmpty: false } ? SendGathered(handle, more, out sent) : SendFirst(handle, more, out sent);
        return Consume(sent) || error != Errno.None ? error : Errno.EAGAIN;
    }

    /// <summary>Drops everything and gives the copies back.</summary>
    public void Clear()
    {
        while (!_first.IsEmpty)
        {
            RemoveFirst();
        }
    }

    private void Append(Segment segment)
    {
        if (_first.IsEmpty)
        {
            _first = segment;
        }
        else
        {
            (_rest ??= new Tail()).Add(segment);
        }
    }

    private readonly unsafe Errno SendFirst(nint handle, bool more, out nint sent)
    {
        if (_first.Bytes.Length >= SmallestFromFile
            && MemoryMarshal.TryGetMemoryManager(_first.Bytes, out NativeBytes? native, out int start, out _)
            && native.File >= 0)
        {
            Errno error = NativeSocket.SendFile(handle, native.File, native.FileOffset + start, _first.Bytes.Length, out sent);
            if (error is not (Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP))
            {
                return error;
            }

            // A kernel or a sandbox that can't: the same bytes are in memory.
        }

        fixed (byte* data = _first.Bytes.Span)
        {
            return NativeSocket.Send(handle, data, _first.Bytes.Length, more, out sent);
        }
    }

    private readonly Errno SendGathered(nint handle, bool more, out nint sent)
    {
        Span<IoVector> pieces = stackalloc IoVector[MostPieces];
        var pins = default(Pins);
        int count = 0;
        pieces[count] = pins.Pin(count++, _first.Bytes);
        int inAll = 1 + _rest!.Count;
        for (int i = 0; count < Math.Min(inAll, MostPieces); i++)
        {
            pieces[count] = pins.Pin(count++, _rest[i].Bytes);
        }

        Errno error = NativeSocket.SendGathered(handle, pieces[..count], more || count < inAll, out sent);
        pins.Release(count);
        return error;
    }

    /// <returns>False if it ended within a segment.</returns>
    private bool Consume(nint sent)
    {
        while (sent > 0)
        {
            int length = _first.Bytes.Length;
            if (sent < length)
            {
                _first.Skip((int)sent);
                return false;
            }

            sent -= length;
            RemoveFirst();
        }

        return true;
    }

    private void RemoveFirst()
    {
        _first.Return();
        _first = _rest is { IsEmpty: false } ? _rest.Remove() : default;
    }

    /// <summary>Some bytes in a row; those of a copy lie in a rented array.</summary>
    private struct Segment(ReadOnlyMemory<byte> bytes, bool isCopy)
    {
        public ReadOnlyMemory<byte> Bytes { get; private set; } = bytes;

        public readonly bool IsEmpty => Bytes.IsEmpty;

        public static Segment Copy(ReadOnlySpan<byte> data, int leastBytes)
        {
            byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(data.Length, leastBytes));
            data.CopyTo(array);
            return new Segment(array.AsMemory(0, data.Length), isCopy: true);
        }

        /// <summary>Copies what fits into the room behind a copy.</summary>
        /// <returns>How many bytes fitted.</returns>
        public int Extend(ReadOnlySpan<byte> data)
        {
            if (!isCopy || !MemoryMarshal.TryGetArray(Bytes, out ArraySegment<byte> used))
            {
                return 0;
            }

            int end = used.Offset + used.Count;
            int taken = Math.Min(data.Length, used.Array!.Length - end);
            data[..taken].CopyTo(used.Array.AsSpan(end));
            Bytes = used.Array.AsMemory(used.Offset, used.Count + taken);
            return taken;
        }

        public void Skip(int count) => Bytes = Bytes[count..];

        public void Return()
        {
            if (isCopy && MemoryMarshal.TryGetArray(Bytes, out ArraySegment<byte> rented))
            {
                ArrayPool<byte>.Shared.Return(rented.Array!);
            }

            this = default;
        }
    }

    /// <summary>The segments behind the first, in a ring.</summary>
    private sealed class Tail
    {
        private Segment[] _ring = new Segment[4];
        private int _head;

        public int Count { get; private set; }

        public long Length { get; private set; }

        public bool IsEmpty => Count == 0;

        public ref Segment this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

        public void Add(Segment segment)
        {
            if (Count == _ring.Length)
            {
                Grow();
            }

            Length += segment.Bytes.Length;
            this[Count++] = segment;
        }

        public Segment Remove()
        {
            Segment segment = _ring[_head];
            _ring[_head] = default;
            _head = (_head + 1) & (_ring.Length - 1);
            Count--;
            Length -= segment.Bytes.Length;
            return segment;
        }

        /// <summary>Copies what fits behind the last segment.</summary>
        public int Extend(ReadOnlySpan<byte> data)
        {
            int taken = this[Count - 1].Extend(data);
            Length += taken;
            return taken;
        }

        private void Grow()
        {
            var larger = new Segment[_ring.Length * 2];
            for (int i = 0; i < Count; i++)
            {
                larger[i] = this[i];
            }

            _ring = larger;
            _head = 0;
        }
    }

    /// <summary>Holds the pieces of one call in their places.</summary>
    private struct Pins
    {
        private Handles _handles;

        public unsafe IoVector Pin(int index, ReadOnlyMemory<byte> bytes)
        {
            MemoryHandle handle = bytes.Pin();
            _handles[index] = handle;
            return new IoVector((byte*)handle.Pointer, bytes.Length);
        }

        public void Release(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _handles[i].Dispose();
            }
        }

        [InlineArray(MostPieces)]
        private struct Handles
        {
            private MemoryHandle _first;
        }
    }
}
