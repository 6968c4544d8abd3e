using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A text that grows, in native memory. There is room before it for the header of a netstring and one byte after it for the
/// comma, so it can be sent framed, in one piece, without a copy. It has one owner at a time, which releases it.
/// </summary>
internal sealed unsafe class TextBuffer : MemoryManager<byte>
{
    /// <summary>The maximum length of a text: a <see cref="Memory{T}"/> holds up to 2 GiB, the frame included.</summary>
    public const int MaxBytes = int.MaxValue - 128;

    /// <summary>Chosen: a page; most requests and answers fit in it.</summary>
    public const int MinCapacity = 4096;

    /// <summary>The maximum length of the frame.</summary>
    public const int Overhead = HeadRoom + TailRoom;

    private const int HeadRoom = Netstring.MaxHeaderLength;
    private const int TailRoom = 1;

    private byte* _start;
    private int _end = HeadRoom;

    /// <summary>The number of bytes of the memory that may have been written to, in this use or an earlier one.</summary>
    private int _filled;

    /// <summary>The maximum length of the text: 0 to <see cref="MaxBytes"/>.</summary>
    public int Limit { get; set; } = MaxBytes;

    public int Length => _end - HeadRoom;

    /// <summary>The text. Valid until the next write.</summary>
    public ReadOnlySpan<byte> Text => new(_start + HeadRoom, _start is null ? 0 : Length);

    /// <summary>The text in a form that can be sent. Valid until the next write.</summary>
    public ReadOnlyMemory<byte> TextMemory => Length == 0 ? default : CreateMemory(HeadRoom, Length);

    public int Capacity { get; private set; }

    /// <summary>Appends bytes to the text.</summary>
    /// <exception cref="TextTooLongError">The text would exceed the limit.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Limit - Length)
        {
            ThrowTooLong();
        }

        bytes.CopyTo(Reserve(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>Returns free space after the text. <see cref="Advance"/> then adds the bytes that were written to it.</summary>
    /// <param name="count">The minimum size, 0 or more. The space may be larger than the limit allows.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for it.</exception>
    /// <exception cref="TextTooLongError">The text would exceed <see cref="MaxBytes"/>.</exception>
    public Span<byte> Reserve(int count)
    {
        long needed = (long)_end + count + TailRoom;
        if (needed > Capacity)
        {
            if (needed - Overhead > MaxBytes)
            {
                ThrowTooLong();
            }

            // Twice the capacity, but no more than the limit allows, unless the caller needs more.
            long doubled = Math.Min(2L * Capacity, (long)Limit + Overhead);
            long larger = Math.Max(Math.Max(needed, doubled), MinCapacity);
            _start = GrowingMemory.Grow(_start, Capacity, larger);
            Capacity = (int)larger;
        }

        if (_end + count > _filled)
        {
            AvailableMemory.Fill(_end + count - _filled);
            _filled = _end + count;
        }

        return new Span<byte>(_start + _end, Capacity - _end - TailRoom);
    }

    /// <summary>Adds bytes that were written to the space of <see cref="Reserve"/> to the text.</summary>
    /// <exception cref="TextTooLongError">The text would exceed the limit.</exception>
    public void Advance(int count)
    {
        Debug.Assert(count >= 0 && count <= Math.Max(0, Capacity - _end - TailRoom), "no more was written than there was space");
        if (count > Limit - Length)
        {
            ThrowTooLong();
        }

        _end += count;
    }

    /// <summary>Makes a netstring of the text, in the same memory. Valid until the next write.</summary>
    public ReadOnlyMemory<byte> Frame()
    {
        _ = Reserve(0);
        Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
        int headerLength = Netstring.WriteHeader(Length, header);
        int start = HeadRoom - headerLength;
        header[..headerLength].CopyTo(new Span<byte>(_start + start, headerLength));
        _start[_end] = (byte)',';
        return CreateMemory(start, _end + TailRoom - start);
    }

    /// <summary>Drops the text and keeps the memory.</summary>
    public void Clear() => _end = HeadRoom;

    /// <summary>Drops the text and frees the memory. The buffer may be used again.</summary>
    public void Release()
    {
        Clear();
        GrowingMemory.Free(_start, Capacity);
        _start = null;
        Capacity = _filled = 0;
    }

    /// <summary>Gives the memory to the caller, with the text at its start. The buffer is then empty.</summary>
    /// <returns>The memory, to be freed with <see cref="GrowingMemory.Free"/>; null if the buffer has none.</returns>
    public byte* Detach(out int length, out int capacity)
    {
        Text.CopyTo(GetSpan());
        byte* memory = _start;
        length = Length;
        capacity = Capacity;
        _start = null;
        Capacity = 0;
        Release();
        return memory;
    }

    public override Span<byte> GetSpan() => new(_start, Capacity);

    /// <summary>Native memory does not move: a pin is only its address.</summary>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => Release();

    [DoesNotReturn]
    private void ThrowTooLong() => throw new TextTooLongError(Limit);
}

/// <summary>Spare text buffers of one reactor, used on its thread only.</summary>
internal sealed class TextBufferPool
{
    /// <summary>Usually one is in use at a time. More are kept for a burst.</summary>
    private const int MaxSpares = 64;

    /// <summary>Most requests and answers fit in it. All spares together hold up to 1 MiB, which no budget counts.</summary>
    private const int MaxSpareCapacity = 16 * 1024;

    private readonly Stack<TextBuffer> _spares = new(MaxSpares);

    /// <summary>Takes an empty buffer, which the caller owns until it returns it.</summary>
    /// <param name="limit">The maximum length of the text: 0 to <see cref="TextBuffer.MaxBytes"/>.</param>
    public TextBuffer Rent(int limit)
    {
        TextBuffer buffer = _spares.TryPop(out TextBuffer? spare) ? spare : new TextBuffer();
        buffer.Limit = limit;
        return buffer;
    }

    public void Return(TextBuffer buffer)
    {
        if (buffer.Capacity > MaxSpareCapacity || _spares.Count == MaxSpares)
        {
            buffer.Release();
        }

        buffer.Clear();
        if (_spares.Count < MaxSpares)
        {
            _spares.Push(buffer);
        }
    }
}

internal sealed class TextTooLongError(int limit) : IOException($"the text would be longer than {limit} bytes");
