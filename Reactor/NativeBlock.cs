using System;
using System.Buffers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// A block of memory outside the managed heap: grown while it is filled, then sealed, then read by anybody until its owner
/// frees it. A large one on Linux is a file in memory, which the kernel can send without copying it; nothing that happens
/// on a disk changes it.
/// </summary>
/// <remarks>
/// Measured with a poem of 10 MB and 16 clients: sent from such a file it costs the server 0.45 of the processor time that
/// sending from plain memory does, since nothing is copied on its side.
/// </remarks>
internal sealed unsafe class NativeBlock
{
    /// <summary>
    /// Below this a block is plain memory: one that fits into a socket's buffer is sent with one call either way, and a
    /// file costs a descriptor.
    /// </summary>
    private const long SmallestFile = 256 * 1024;

    private const int NoFile = -1;

    private byte* _start;
    private long _capacity;
    private int _file = NoFile;

    private NativeBlock()
    {
    }

    /// <summary>The first byte; it moves when the block is grown or sealed.</summary>
    public byte* Start => _start;

    /// <summary>In bytes.</summary>
    public long Capacity => _capacity;

    /// <summary>Makes a block with nothing certain in it.</summary>
    /// <param name="capacity">In bytes, at least 1.</param>
    /// <exception cref="OutOfMemoryException">There is no room for it.</exception>
    public static NativeBlock Create(long capacity)
    {
        var block = new NativeBlock();
        block.Grow(capacity);
        return block;
    }

    /// <summary>Makes it larger; what was in it stays.</summary>
    /// <param name="capacity">In bytes, not less than before.</param>
    /// <exception cref="OutOfMemoryException">There is no room for it.</exception>
    public void Grow(long capacity)
    {
        if (_file == NoFile && (!OperatingSystem.IsLinux() || capacity < SmallestFile || !TryBecomeFile(capacity)))
        {
            _start = (byte*)NativeMemory.Realloc(_start, (nuint)capacity);
            _capacity = capacity;
        }
        else if (OperatingSystem.IsLinux() && capacity != _capacity)
        {
            Unmap();
            Extend(capacity);
        }
    }

    /// <summary>Nothing is written to it any more.</summary>
    /// <param name="length">How much of it counts.</param>
    public void Seal(long length)
    {
        Debug.Assert(length <= _capacity, "what counts is in the block");
        if (_file == NoFile || !OperatingSystem.IsLinux())
        {
            return;
        }

        // No writable mapping may be left when it is sealed. The new mapping has no page resident until somebody reads it.
        Unmap();
        const int Seals = LinuxAbi.F_SEAL_SHRINK | LinuxAbi.F_SEAL_GROW | LinuxAbi.F_SEAL_WRITE | LinuxAbi.F_SEAL_SEAL;
        _ = LinuxAbi.ftruncate(_file, (nint)length);
        _ = Libc.fcntl(_file, LinuxAbi.F_ADD_SEALS, Seals);
        Map(length, LinuxAbi.PROT_READ);
    }

    /// <summary>A part of the block, to be written to transports until the block is freed.</summary>
    public ReadOnlyMemory<byte> Part(long offset, int length) =>
        new NativeBytes(_start + offset, length, _file, offset).Memory;

    /// <summary>Gives the memory back.</summary>
    public void Free()
    {
        if (_file != NoFile && OperatingSystem.IsLinux())
        {
            Unmap();
            _ = NativeDescriptor.Close(_file);
            _file = NoFile;
            return;
        }

        NativeMemory.Free(_start);
        _start = null;
    }

    [SupportedOSPlatform("linux")]
    private bool TryBecomeFile(long capacity)
    {
        int file;
        fixed (byte* name = "poem\0"u8)
        {
            file = LinuxAbi.memfd_create(name, LinuxAbi.MFD_CLOEXEC | LinuxAbi.MFD_ALLOW_SEALING);
        }

        if (file < 0)
        {
            return false;
        }

        // A file of memory may grow no further than any other may (ulimit -f), which plain memory may.
        if (LinuxAbi.ftruncate(file, (nint)capacity) != 0)
        {
            _ = NativeDescriptor.Close(file);
            return false;
        }

        byte* before = _start;
        long length = _capacity;
        _file = file;
        Extend(capacity);
        Buffer.MemoryCopy(before, _start, capacity, length);
        NativeMemory.Free(before);
        return true;
    }

    [SupportedOSPlatform("linux")]
    private void Extend(long capacity)
    {
        if (LinuxAbi.ftruncate(_file, (nint)capacity) != 0)
        {
            throw new InsufficientMemoryException();
        }

        Map(capacity, LinuxAbi.PROT_READ | LinuxAbi.PROT_WRITE);
    }

    [SupportedOSPlatform("linux")]
    private void Map(long capacity, int protection)
    {
        nint address = LinuxAbi.mmap(0, (nint)capacity, protection, LinuxAbi.MAP_SHARED, _file, 0);
        if (address == -1)
        {
            throw new InsufficientMemoryException();
        }

        _start = (byte*)address;
        _capacity = capacity;
    }

    [SupportedOSPlatform("linux")]
    private void Unmap() => _ = LinuxAbi.munmap((nint)_start, (nint)_capacity);
}

/// <summary>
/// A stretch of native memory as <see cref="Memory{T}"/>, so that it can be written to any number of transports by
/// reference. It owns nothing: whoever made it keeps the memory alive for as long as anybody may read it.
/// </summary>
/// <param name="start">The first byte.</param>
/// <param name="length">In bytes.</param>
/// <param name="file">The file that the memory is a mapping of, from which the kernel can send by itself; −1 for none.</param>
/// <param name="fileOffset">Where in the file the first byte is.</param>
internal sealed unsafe class NativeBytes(byte* start, int length, nint file = -1, long fileOffset = 0) : MemoryManager<byte>
{
    private readonly byte* _start = start;

    /// <summary>The file, or −1.</summary>
    public nint File => file;

    /// <summary>Where in the file the first byte is.</summary>
    public long FileOffset => fileOffset;

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(_start, length);

    /// <summary>The memory never moves: a pin is only its address.</summary>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
