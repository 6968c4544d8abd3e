using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The destination of one poem: it is given the bytes as they arrive, then either <see cref="Commit"/> or <see cref="Abort"/>, once, and
/// before <see cref="Commit"/> it may be told to <see cref="Seal"/>. After a failure only <see cref="Abort"/> may follow. Errors are
/// return values.
/// </summary>
internal abstract class PoemOutput
{
    /// <summary>What it is called in a message.</summary>
    public abstract string Name { get; }

    /// <summary>What to say of an error: one sentence without a full stop, for <see cref="CommandRunner.Fail"/>.</summary>
    public static string ProblemOf(string name, Errno error) => $"cannot write {name}: {error.Sentence()}";

    /// <summary>A buffer for the next bytes, to save a copy; empty if it saves none.</summary>
    public virtual Span<byte> GetBuffer() => default;

    public abstract Errno Write(ReadOnlySpan<byte> bytes);

    /// <summary>Writes a text that was held; its memory may be taken over.</summary>
    public virtual Errno Write(TextBuffer text) => Write(text.Text);

    /// <summary>All bytes have been written. Closes the descriptor, so that any number of poems can wait.</summary>
    public virtual Errno Seal() => default;

    /// <summary>The poem is complete.</summary>
    public abstract Errno Commit();

    /// <summary>The poem has failed: removes every trace of it where that is possible.</summary>
    public abstract void Abort();

    /// <summary>True if a part has been shown that can't be taken back: then the download can't be tried again.</summary>
    public virtual bool HasShown => false;

    /// <summary>True if what was shown ends with a newline, or nothing was shown.</summary>
    public bool EndsLine { get; private protected set; } = true;
}

/// <summary>
/// A poem for standard output. It is held until it is complete, outside the managed heap: poems of several servers are never mixed, and
/// nothing of a poem that fails is shown.
/// </summary>
/// <inheritdoc cref="StreamedPoem(bool, Func{ReadOnlySpan{byte}, Errno})"/>
internal sealed unsafe class StandardOutputPoem(bool escapes, Func<ReadOnlySpan<byte>, Errno>? write = null)
    : StreamedPoem(escapes, write)
{
    /// <summary>Most poems are short; doubling soon makes it large.</summary>
    private const long MinCapacity = 4096;

    /// <summary>Where memory is short: few calls for a long poem, and little unused memory.</summary>
    private const long SmallGrowth = 4 * 1024 * 1024;

    /// <summary>Space for one read: what a fast server sends while others are read from.</summary>
    private const int ReadBytes = 256 * 1024;

    private byte* _memory;
    private long _capacity;
    private long _length;

    public override Span<byte> GetBuffer()
    {
        try
        {
            Reserve(ReadBytes);

            // Asked for before the read fills it: what a read that is refused has filled stays with the C library.
            AvailableMemory.Fill(ReadBytes);
        }
        catch (OutOfMemoryException)
        {
            // The buffer only saves a copy: without memory the write fails.
            return default;
        }

        return new Span<byte>(_memory + _length, ReadBytes);
    }

    /// <exception cref="OutOfMemoryException">There is no memory for them; what was written before is kept.</exception>
    public override Errno Write(ReadOnlySpan<byte> bytes)
    {
        bool isInPlace = bytes.Length <= _capacity - _length
            && Unsafe.AreSame(ref MemoryMarshal.GetReference(bytes), ref *(_memory + _length));
        if (!isInPlace)
        {
            Reserve(bytes.Length);
            AvailableMemory.Fill(bytes.Length);
            bytes.CopyTo(new Span<byte>(_memory + _length, bytes.Length));
        }

        _length += bytes.Length;
        return default;
    }

    /// <summary>Takes the memory over if this is all so far: a second copy might have no room.</summary>
    public override Errno Write(TextBuffer text)
    {
        if (_memory is not null)
        {
            return Write(text.Text);
        }

        _memory = text.Detach(out int length, out int capacity);
        _length = length;
        _capacity = capacity;
        return default;
    }

    public override Errno Commit()
    {
        Errno error = Errno.None;
        for (long shown = 0; shown < _length && error == Errno.None;)
        {
            int count = (int)Math.Min(_length - shown, 1 << 30);
            error = base.Write(new ReadOnlySpan<byte>(_memory + shown, count));
            shown += count;
        }

        Abort();
        return error == Errno.None ? base.Commit() : error;
    }

    public override void Abort()
    {
        GrowingMemory.Free(_memory, _capacity);
        _memory = null;
        _capacity = _length = 0;
    }

    /// <summary>Grows by doubling.</summary>
    private void Reserve(int count)
    {
        if (count > _capacity - _length)
        {
            long needed = _length + count;
            try
            {
                Grow(Math.Max(Math.Max(_capacity * 2, needed), MinCapacity));
            }
            catch (OutOfMemoryException)
            {
                // Doubling may take far more than the poem needs.
                Grow(Math.Max(needed, _capacity + SmallGrowth));
            }
        }
    }

    private void Grow(long capacity)
    {
        _memory = GrowingMemory.Grow(_memory, _capacity, capacity);
        _capacity = capacity;
    }
}
