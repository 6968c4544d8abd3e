using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
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

    private Segment _first;
    private Queue<Segment>? _rest;
    private Segment _last;

    /// <summary>Bytes in the queue.</summary>
    public long Length { get; private set; }

    /// <summary>Is there nothing to send?</summary>
    public readonly bool IsEmpty => Length == 0;

    /// <summary>Queues memory by reference.</summary>
    /// <param name="shared">Stays the caller's and must not change until it has been sent.</param>
    public void AppendShared(ReadOnlyMemory<byte> shared)
    {
        if (!shared.IsEmpty)
        {
            Length += shared.Length;
            Append(new Segment(shared, null));
        }
    }

    /// <summary>Queues a copy.</summary>
    public void AppendCopy(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return;
        }

        Length += data.Length;
        ref Segment tail = ref Tail;
        int taken = tail.Extend(data);
        if (taken < data.Length)
        {
            Append(Segment.Copy(data[taken..], SmallestCopy));
        }
    }

    /// <summary>Sends as much as the kernel takes, in one call.</summary>
    /// <param name="handle">The socket.</param>
    /// <param name="more">More will follow at once, or the end: the kernel need not send a last short packet.</param>
    /// <param name="sent">How many bytes it took; they have left the queue.</param>
    /// <returns>What the kernel said.</returns>
    public Errno Flush(nint handle, bool more, out nint sent)
    {
        Debug.Assert(!IsEmpty, "there is something to send");
        Errno error = _last.IsEmpty ? SendFirst(handle, more, out sent) : SendGathered(handle, more, out sent);
        Consume(sent);
        return error;
    }

    /// <summary>Drops everything and gives the copies back.</summary>
    public void Clear()
    {
        while (!_first.IsEmpty)
        {
            RemoveFirst();
        }

        Length = 0;
    }

    private ref Segment Tail
    {
        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        get => ref _last.IsEmpty ? ref _first : ref _last;
    }

    private void Append(Segment segment)
    {
        if (_first.IsEmpty)
        {
            _first = segment;
            return;
        }

        if (!_last.IsEmpty)
        {
            _rest ??= new Queue<Segment>();
            _rest.Enqueue(_last);
        }

        _last = segment;
    }

    private readonly unsafe Errno SendFirst(nint handle, bool more, out nint sent)
    {
        fixed (byte* data = _first.Bytes.Span)
        {
            return NativeSocket.Send(handle, data, _first.Bytes.Length, more, out sent);
        }
    }

    private readonly unsafe Errno SendGathered(nint handle, bool more, out nint sent)
    {
        Span<IoVector> pieces = stackalloc IoVector[MostPieces];
        var pins = default(Pins);
        int count = 0;
        pieces[count] = pins.Pin(count++, _first.Bytes);
        if (_rest is not null)
        {
            foreach (Segment segment in _rest)
            {
                if (count == MostPieces - 1)
                {
                    break;
                }

                pieces[count] = pins.Pin(count++, segment.Bytes);
            }
        }

        bool all = count == (_rest?.Count ?? 0) + 1;
        if (all)
        {
            pieces[count] = pins.Pin(count++, _last.Bytes);
        }

        Errno error = NativeSocket.SendGathered(handle, pieces[..count], more || !all, out sent);
        pins.Release(count);
        return error;
    }

    private void Consume(nint sent)
    {
        Length -= sent;
        while (sent > 0)
        {
            int length = _first.Bytes.Length;
            if (sent < length)
            {
                _first.Skip((int)sent);
                return;
            }

            sent -= length;
            RemoveFirst();
        }
    }

    private void RemoveFirst()
    {
        _first.Return();
        if (_rest is { Count: > 0 })
        {
            _first = _rest.Dequeue();
            return;
        }

        _rest = null;
        _first = _last;
        _last = default;
    }

    /// <summary>Some bytes in a row, and the rented array they lie in, if they are a copy.</summary>
    private struct Segment(ReadOnlyMemory<byte> bytes, byte[]? rented)
    {
        public ReadOnlyMemory<byte> Bytes { get; private set; } = bytes;

        public readonly bool IsEmpty => Bytes.IsEmpty;

        public static Segment Copy(ReadOnlySpan<byte> data, int leastBytes)
        {
            byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(data.Length, leastBytes));
            data.CopyTo(array);
            return new Segment(array.AsMemory(0, data.Length), array);
        }

        /// <summary>Copies what fits into the room behind a copy.</summary>
        /// <returns>How many bytes fitted.</returns>
        public int Extend(ReadOnlySpan<byte> data)
        {
            if (rented is null || !System.Runtime.InteropServices.MemoryMarshal.TryGetArray(Bytes, out ArraySegment<byte> used))
            {
                return 0;
            }

            int end = used.Offset + used.Count;
            int taken = Math.Min(data.Length, rented.Length - end);
            data[..taken].CopyTo(rented.AsSpan(end));
            Bytes = rented.AsMemory(used.Offset, used.Count + taken);
            return taken;
        }

        public void Skip(int count) => Bytes = Bytes[count..];

        public void Return()
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            this = default;
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

        [System.Runtime.CompilerServices.InlineArray(MostPieces)]
        private struct Handles
        {
            private MemoryHandle _first;
        }
    }
}
