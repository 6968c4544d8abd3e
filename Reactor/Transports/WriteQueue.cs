using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The bytes of one connection that the kernel has not taken yet: shared memory by reference, or copies in rented arrays.
/// An empty queue holds no memory.
/// </summary>
/// <remarks>Most connections queue one segment, which is a field of the queue; a list is made only for more.</remarks>
internal struct WriteQueue
{
    /// <summary>The smallest array that a copy rents: many small writes then become one segment and one system call.</summary>
    private const int MinCopyBytes = 4096;

    /// <summary>The maximum number of segments in one call: enough to amortise the call, few enough for the stack.</summary>
    private const int MaxPieces = 16;

    /// <summary>The smallest size at which memory that is mapped from a file is sent by sendfile.</summary>
    private const int MinSendFileBytes = 64 * 1024;

    private Segment _first;

    /// <summary>
    /// The segments after the first. The list is made when first needed, since most connections never need it, and then kept
    /// for the next connection of the same transport.
    /// </summary>
    private Tail? _rest;

    /// <summary>A pipe with bytes of another connection. They are sent first: the pipe is filled only while nothing is queued.</summary>
    private SplicePipe? _pipe;

    public readonly long Length => _first.Bytes.Length + (_rest?.Length ?? 0) + (_pipe?.Length ?? 0);

    public readonly bool IsEmpty => _first.IsEmpty && _pipe is not { Length: > 0 };

    public bool TryOpenPipe() => (_pipe ??= SplicePipe.TryCreate()) is not null;

    /// <summary>Queues bytes that another connection has received, without a copy. The queue has to be empty.</summary>
    public readonly Errno Fill(nint socket, long max, out int count)
    {
        Debug.Assert(IsEmpty, "the pipe comes first");
        return _pipe!.Fill(socket, max, out count);
    }

    public void ClosePipe()
    {
        _pipe?.Close();
        _pipe = null;
    }

    /// <summary>Queues memory by reference.</summary>
    /// <param name="shared">The memory; not empty. The caller owns it, and must not change it until it is sent.</param>
    public void AppendShared(ReadOnlyMemory<byte> shared) => Append(new Segment(shared, isCopy: false));

    public void AppendCopy(ReadOnlySpan<byte> data)
    {
        int taken = _rest is { IsEmpty: false } ? _rest.Extend(data) : _first.Extend(data);
        if (taken < data.Length)
        {
            Append(Segment.Copy(data[taken..]));
        }
    }

    /// <summary>Sends the bytes that the kernel takes in one call.</summary>
    /// <param name="handle">The socket.</param>
    /// <param name="more">True if more data or FIN follows at once: the kernel should not send a short packet now.</param>
    /// <param name="sent">The number of bytes that the kernel took; they are removed from the queue.</param>
    /// <returns>The kernel's error; EAGAIN also if it took only a part, because its buffer is then full.</returns>
    public Errno Flush(nint handle, bool more, out int sent)
    {
        Debug.Assert(!IsEmpty, "there is something to send");
        if (_pipe is { Length: > 0 } pipe)
        {
            Errno refusal = pipe.Drain(handle, out sent);
            return pipe.Length == 0 || refusal != Errno.None ? refusal : Errno.EAGAIN;
        }

        Errno error = _rest is { IsEmpty: false } ? SendGathered(handle, more, out sent) : SendFirst(handle, more, out sent);
        return Consume(sent) || error != Errno.None ? error : Errno.EAGAIN;
    }

    /// <summary>Drops everything, and returns rented arrays.</summary>
    public void Clear()
    {
        ClosePipe();
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

    private readonly unsafe Errno SendFirst(nint handle, bool more, out int sent)
    {
        if (_first.Bytes.Length >= MinSendFileBytes
            && MemoryMarshal.TryGetMemoryManager(_first.Bytes, out NativeBytes? native, out int start, out _)
            && native.File >= 0)
        {
            Errno error = NativeSocket.SendFile(handle, native.File, native.FileOffset + start, _first.Bytes.Length, out sent);
            if (error is not (Errno.EINVAL or Errno.EOPNOTSUPP) && !error.IsMissingCall())
            {
                return error;
            }

            // This kernel or sandbox has no sendfile for this file: the same bytes are sent from memory.
        }

        fixed (byte* data = _first.Bytes.Span)
        {
            return NativeSocket.Send(handle, data, _first.Bytes.Length, more, out sent);
        }
    }

    private readonly unsafe Errno SendGathered(nint handle, bool more, out int sent)
    {
        Span<IoVector> pieces = stackalloc IoVector[MaxPieces];
        var pins = default(Pins);
        Span<Segment> rest = _rest!.Segments;
        int total = 1 + rest.Length;
        int count = Math.Min(total, MaxPieces);
        for (int i = 0; i < count; i++)
        {
            ReadOnlyMemory<byte> bytes = i == 0 ? _first.Bytes : rest[i - 1].Bytes;
            pins[i] = bytes.Pin();
            pieces[i] = new IoVector((byte*)pins[i].Pointer, bytes.Length);
        }

        Errno error = NativeSocket.SendGathered(handle, pieces[..count], more || count < total, out sent);
        for (int i = 0; i < count; i++)
        {
            pins[i].Dispose();
        }

        return error;
    }

    /// <returns>False if the kernel took only a part of a segment.</returns>
    private bool Consume(int sent)
    {
        while (sent > 0)
        {
            int length = _first.Bytes.Length;
            if (sent < length)
            {
                _first.Skip(sent);
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

    /// <summary>Contiguous bytes: shared memory, or a copy in a rented array.</summary>
    private struct Segment(ReadOnlyMemory<byte> bytes, bool isCopy)
    {
        public ReadOnlyMemory<byte> Bytes { get; private set; } = bytes;

        public readonly bool IsEmpty => Bytes.IsEmpty;

        public static Segment Copy(ReadOnlySpan<byte> data)
        {
            byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(data.Length, MinCopyBytes));
            data.CopyTo(array);
            return new Segment(array.AsMemory(0, data.Length), isCopy: true);
        }

        /// <summary>Copies bytes into the unused rest of a rented array, until it is full.</summary>
        /// <returns>The number of bytes copied.</returns>
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

    /// <summary>The segments after the first.</summary>
    private sealed class Tail
    {
        private readonly List<Segment> _segments = [];

        /// <summary>The number of segments at the front that were removed, and are empty.</summary>
        private int _removed;

        public long Length { get; private set; }

        public bool IsEmpty => _segments.Count == 0;

        public Span<Segment> Segments => CollectionsMarshal.AsSpan(_segments)[_removed..];

        public void Add(Segment segment)
        {
            _segments.Add(segment);
            Length += segment.Bytes.Length;
        }

        public Segment Remove()
        {
            Segment segment = _segments[_removed];
            _segments[_removed++] = default;
            Length -= segment.Bytes.Length;
            if (_removed * 2 >= _segments.Count)
            {
                // The number of segments moved is not greater than the number removed since the last move.
                _segments.RemoveRange(0, _removed);
                _removed = 0;
            }

            return segment;
        }

        public int Extend(ReadOnlySpan<byte> data)
        {
            int taken = Segments[^1].Extend(data);
            Length += taken;
            return taken;
        }
    }

    /// <summary>The pins of the segments of one call.</summary>
    [InlineArray(MaxPieces)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
