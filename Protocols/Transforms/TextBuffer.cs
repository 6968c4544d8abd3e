using System;
using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO;

namespace Poetry.Protocols;

/// <summary>
/// A text in the making, in one rented array, with room in front of it for the header of a netstring and one byte for the
/// comma behind it: what has been written can go out framed, in one piece, without being copied. It grows with what is
/// written and has a limit. One owner at a time: whoever took it from its <see cref="TextBufferPool"/>.
/// </summary>
internal sealed class TextBuffer : IBufferWriter<byte>
{
    /// <summary>What may be written at most, whatever the limit: an array holds a little less than 2 GiB, frame included.</summary>
    public const int MostBytes = int.MaxValue - 128;

    private const int HeadRoom = Netstring.MaxHeaderLength;
    private const int TailRoom = 1;

    /// <summary>Chosen: a page, which most requests and replies fit.</summary>
    private const int SmallestArray = 4096;

    private byte[] _array = [];
    private int _end = HeadRoom;

    /// <summary>More is not taken: 0 to <see cref="MostBytes"/>.</summary>
    public int Limit { get; set; } = MostBytes;

    /// <summary>Bytes written so far.</summary>
    public int Length => _end - HeadRoom;

    /// <summary>What was written. Valid until the next write.</summary>
    public ReadOnlyMemory<byte> Text => Length == 0 ? default : _array.AsMemory(HeadRoom, Length);

    /// <summary>How much memory it holds.</summary>
    internal int Capacity => _array.Length;

    /// <summary>Writes behind what there is.</summary>
    /// <exception cref="TextTooLongError">The limit is passed.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Limit - Length)
        {
            ThrowTooLong();
        }

        bytes.CopyTo(GetSpan(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>Room to write to; <see cref="Advance"/> says how much of it was used.</summary>
    /// <param name="sizeHint">At least so many bytes, and at least 1. There may be room for more than the limit.</param>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _array.AsSpan(_end, _array.Length - _end - TailRoom);
    }

    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _array.AsMemory(_end, _array.Length - _end - TailRoom);
    }

    /// <summary>Counts what was written to the room.</summary>
    /// <exception cref="TextTooLongError">The limit is passed.</exception>
    public void Advance(int count)
    {
        Debug.Assert(count >= 0 && count <= Math.Max(0, _array.Length - _end - TailRoom), "no more was written than there was room for");
        if (count > Limit - Length)
        {
            ThrowTooLong();
        }

        _end += count;
    }

    /// <summary>What was written, as a netstring, in the same memory. Valid until the next write.</summary>
    public ReadOnlyMemory<byte> Frame()
    {
        MakeRoom(0);
        Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
        int headerLength = Netstring.WriteHeader(Length, header);
        int start = HeadRoom - headerLength;
        header[..headerLength].CopyTo(_array.AsSpan(start));
        _array[_end] = (byte)',';
        return _array.AsMemory(start, _end + TailRoom - start);
    }

    /// <summary>Forgets what was written, and keeps the memory.</summary>
    public void Clear() => _end = HeadRoom;

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        Clear();
        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = [];
        }
    }

    private void MakeRoom(int count)
    {
        long needed = (long)_end + count + TailRoom;
        if (needed <= _array.Length)
        {
            return;
        }

        if (needed > Array.MaxLength)
        {
            ThrowTooLong();
        }

        // Twice what there was, but no more than is allowed, unless more is asked for.
        long whole = Math.Min((long)Limit + HeadRoom + TailRoom, Array.MaxLength);
        long size = Math.Max(needed, Math.Min(Math.Max(SmallestArray, 2L * _array.Length), whole));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)size);
        if (Length > 0)
        {
            Text.Span.CopyTo(larger.AsSpan(HeadRoom));
        }

        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        _array = larger;
    }

    [DoesNotReturn]
    private void ThrowTooLong() => throw new TextTooLongError(Limit);
}

/// <summary>
/// Spare text buffers, for those who have something to read or write at once and give the buffer back before they wait.
/// One a reactor: used on its thread only.
/// </summary>
internal sealed class TextBufferPool
{
    /// <summary>Those that are out at once are mostly one: more are kept for a rush, and then given up.</summary>
    private const int MostSpares = 64;

    /// <summary>A spare holds no more memory than one read of the reactor brings, with its frame: most never need more.</summary>
    private const int LargestSpare = 128 * 1024;

    private readonly TextBuffer?[] _spares = new TextBuffer?[MostSpares];
    private int _count;

    /// <summary>Gives an empty buffer, which is the caller's until it is returned.</summary>
    /// <param name="limit">Of what may be written to it: 0 to <see cref="TextBuffer.MostBytes"/>.</param>
    public TextBuffer Rent(int limit)
    {
        TextBuffer buffer;
        if (_count == 0)
        {
            buffer = new TextBuffer();
        }
        else
        {
            buffer = _spares[--_count]!;
            _spares[_count] = null;
        }

        buffer.Limit = limit;
        return buffer;
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(TextBuffer buffer)
    {
        if (buffer.Capacity > LargestSpare || _count == MostSpares)
        {
            buffer.Release();
        }

        buffer.Clear();
        if (_count < MostSpares)
        {
            _spares[_count++] = buffer;
        }
    }
}

/// <summary>A text has grown beyond what is allowed.</summary>
/// <param name="limit">What is allowed, in bytes.</param>
internal sealed class TextTooLongError(int limit) : IOException($"the text would be longer than {limit} bytes");
