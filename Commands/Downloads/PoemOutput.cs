using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The destination of one poem. Write the bytes as they arrive, then call <see cref="Commit"/> or <see cref="Abort"/>, once.
/// <see cref="Seal"/> may precede <see cref="Commit"/>. After a failure only <see cref="Abort"/> may follow. Errors are return
/// values.
/// </summary>
internal abstract class PoemOutput
{
    /// <summary>The name of the destination in messages.</summary>
    public abstract string Name { get; }

    /// <summary>The message about an error: one sentence without a full stop, for <see cref="CommandRunner.Fail"/>.</summary>
    public static string ProblemOf(string name, Errno error) => $"cannot write {name}: {error.Sentence()}";

    /// <summary>A buffer for the next bytes, which saves a copy; empty if there is none.</summary>
    public virtual Span<byte> GetBuffer() => default;

    public abstract Errno Write(ReadOnlySpan<byte> bytes);

    /// <summary>Writes a held text. May take ownership of its memory.</summary>
    public virtual Errno Write(TextBuffer text) => Write(text.Text);

    /// <summary>Closes the descriptor after the last byte, so that any number of poems can wait.</summary>
    public virtual Errno Seal() => default;

    /// <summary>Publishes the complete poem.</summary>
    public abstract Errno Commit();

    /// <summary>Removes a failed poem, as far as that is possible.</summary>
    public abstract void Abort();

    /// <summary>True if a part was shown that can't be taken back: the download can't be retried then.</summary>
    public virtual bool HasShown => false;

    /// <summary>True if the shown bytes end with a newline, or if there are none.</summary>
    public bool EndsLine { get; private protected set; } = true;
}

/// <summary>
/// A poem for standard output. It is held in native memory until it is complete: poems of several servers are never mixed, and no
/// part of a failed poem is shown.
/// </summary>
/// <inheritdoc cref="StreamedPoem(bool, Func{ReadOnlySpan{byte}, Errno})"/>
internal sealed unsafe class StandardOutputPoem(bool escapes, Func<ReadOnlySpan<byte>, Errno>? write = null)
    : StreamedPoem(escapes, write)
{
    /// <summary>The first capacity, in bytes. Most poems are short; doubling soon makes it large.</summary>
    private const long MinCapacity = 4096;

    /// <summary>The growth in bytes if memory is short: few calls for a long poem, and little unused memory.</summary>
    private const long SmallGrowth = 4 * 1024 * 1024;

    /// <summary>Space for one read: the bytes that a fast server sends while other connections are read.</summary>
    private const int ReadBytes = 256 * 1024;

    private byte* _memory;
    private long _capacity;
    private long _length;

    public override Span<byte> GetBuffer()
    {
        try
        {
            Reserve(ReadBytes);

            // Check before the read fills the buffer: the C library would keep the pages of a read that is refused later.
            AvailableMemory.Fill(ReadBytes);
        }
        catch (OutOfMemoryException)
        {
            // The buffer only saves a copy. The write reports the failure.
            return default;
        }

        return new Span<byte>(_memory + _length, ReadBytes);
    }

    /// <exception cref="OutOfMemoryException">There is no memory for the bytes; earlier ones are kept.</exception>
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

    /// <summary>Takes ownership of the memory if nothing was written before: there might be no memory for a copy.</summary>
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

    /// <summary>Makes space for bytes, by doubling.</summary>
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
                // Doubling may take far more memory than the poem needs.
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
