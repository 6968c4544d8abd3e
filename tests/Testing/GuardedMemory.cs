using System.Runtime.InteropServices;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// Memory for poems that is overwritten when it is freed, and returned only with this object: a reader of freed memory
/// reads what no poem says.
/// </summary>
internal sealed unsafe class GuardedMemory : PoemMemory, IDisposable
{
    private readonly List<nint> _discarded = [];

    /// <summary>There is no more memory than this.</summary>
    public long MaxBytes { get; set; } = long.MaxValue;

    /// <summary>Bytes that are allocated now, with pages that were not written yet and so cost nothing.</summary>
    public long BytesAlive { get; private set; }

    public override byte* Allocate(int length)
    {
        byte* memory = BytesAlive + length <= MaxBytes ? base.Allocate(length) : throw new InsufficientMemoryException();
        BytesAlive += length;
        return memory;
    }

    public override void Free(byte* memory, int length)
    {
        BytesAlive -= length;
        Assert.IsGreaterThanOrEqualTo(0, BytesAlive, "a block is freed once");
        new Span<byte>(memory, length).Fill(0xDD);
        _discarded.Add((nint)memory);
    }

    public void Dispose()
    {
        foreach (nint memory in _discarded)
        {
            NativeMemory.Free((void*)memory);
        }

        _discarded.Clear();
    }
}
