using System;
using System.Collections.Generic;
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

    public override byte* Allocate(int length) =>
        BytesAlive + length <= MaxBytes ? base.Allocate(length) : throw new InsufficientMemoryException();

    public void Dispose()
    {
        foreach (nint memory in _discarded)
        {
            NativeMemory.Free((void*)memory);
        }

        _discarded.Clear();
    }

    private protected override void Discard(byte* memory, int length)
    {
        new Span<byte>(memory, length).Fill(0xDD);
        _discarded.Add((nint)memory);
    }
}
