using Poetry.Net;

namespace Poetry.Commands;

/// <summary>Writes all bytes, unless there is an error.</summary>
/// <param name="bytes">The bytes to write.</param>
/// <param name="written">The number of bytes written.</param>
/// <returns>The error that ended it, if there was one.</returns>
internal delegate Errno LogWriter(ReadOnlySpan<byte> bytes, out int written);

/// <summary>
/// Crosses threads: takes the records of all reactors and writes them on its own thread. A full disk or a blocked reader never
/// stops a loop. Records that do not fit are dropped and counted.
/// </summary>
/// <remarks>
/// State that crosses threads. The rule: every field except <see cref="_outgoing"/> is used only under <see cref="_gate"/>. The
/// gate is held only to copy a record, to swap the buffers or to start the thread, and never during a write. Between two swaps
/// only the writing thread uses <see cref="_outgoing"/>.
/// </remarks>
/// <param name="write">Writes all bytes, or returns the error that ended it. Called on the writing thread.</param>
/// <param name="describeDropped">Makes the record that reports the number of dropped records. Called on the writing thread.</param>
internal sealed class LogBuffer(LogWriter write, Func<long, byte[]> describeDropped) : IDisposable
{
    /// <summary>
    /// The size of each of the two buffers, in bytes. Chosen: at 100 bytes per record and 20 writes per second, this is space for
    /// 26,000 records per second, and for 1300 records while nothing is read. A log uses at most a quarter of a MiB.
    /// </summary>
    public const int Capacity = 128 * 1024;

    /// <summary>The minimum time between two writes: to a reader, 20 writes per second look immediate, and they cost nothing.</summary>
    private const int MinIntervalMs = 50;

    /// <summary>The minimum time between two attempts to start the thread. Chosen: too long to slow down a busy loop.</summary>
    private const int StartIntervalMs = 1000;

    /// <summary>The stack of the writing thread, which makes only shallow calls.</summary>
    private const int StackBytes = 256 * 1024;

    private readonly object _gate = new();

    /// <summary>The first record allocates the buffers and starts the thread.</summary>
    private byte[] _incoming = [];
    private byte[] _outgoing = [];
    private int _length;
    private int _records;
    private long _dropped;
    private long _droppedAndTold;
    private bool _isWriting;
    private bool _flushRequested;
    private bool _reopenRequested;
    private bool _isClosed;
    private Thread? _writer;
    private long _nextStartMs = long.MinValue;

    /// <summary>Opens the destination again; null if that is not possible. Called on the writing thread.</summary>
    public Action? Reopening { get; init; }

    /// <summary>Called after each batch with the error that ended it, and the number of records dropped since the last batch that
    /// was written; null for nothing. Called on the writing thread.</summary>
    public Action<Errno, long>? Written { get; init; }

    /// <summary>The number of records dropped so far. Any thread.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
            {
                return _dropped + _droppedAndTold;
            }
        }
    }

    /// <summary>Takes a record. Any thread; never waits for the disk, the terminal or a reader.</summary>
    /// <param name="record">Complete lines; they are copied.</param>
    /// <returns>False if it was dropped.</returns>
    public bool TryAppend(ReadOnlySpan<byte> record)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            if ((_writer is null && !TryStart()) || !record.TryCopyTo(_incoming.AsSpan(_length)))
            {
                _dropped++;
                return false;
            }

            int before = _length;
            _length += record.Length;
            _records++;
            if (before == 0 || (before <= Capacity / 2 && _length > Capacity / 2))
            {
                Monitor.PulseAll(_gate);
            }

            return true;
        }
    }

    /// <summary>Waits until all appended records are written.</summary>
    /// <param name="timeout">The maximum wait: a blocked log must not delay the end of the program.</param>
    /// <returns>False after a timeout.</returns>
    public bool Flush(TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            while (_length > 0 || _isWriting)
            {
                _flushRequested = true;
                Monitor.PulseAll(_gate);
                long left = deadline - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_gate, (int)left))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Makes the writing thread open the destination again. Does not wait for that.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            if (Reopening is not null)
            {
                // If there is no thread, the next one does this before its first record.
                _reopenRequested = true;
                _ = _writer is not null || TryStart();
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>The maximum time that <see cref="Dispose"/> waits for a blocked log. A server that has used up its drain time
    /// shortens it.</summary>
    public TimeSpan DisposeTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Writes the buffered records, for at most <see cref="DisposeTimeout"/>. Later records are ignored.</summary>
    public void Dispose()
    {
        _ = Flush(DisposeTimeout);
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Starts the writing thread. If the system allows no more threads, records are dropped, and each second there is a
    /// new attempt.</summary>
    private bool TryStart()
    {
        long now = Environment.TickCount64;
        if (now < _nextStartMs)
        {
            return false;
        }

        _nextStartMs = now + StartIntervalMs;
        try
        {
            if (_incoming.Length == 0)
            {
                _outgoing = GC.AllocateUninitializedArray<byte>(Capacity);
                _incoming = GC.AllocateUninitializedArray<byte>(Capacity);
            }

            var writer = new Thread(Write, StackBytes) { IsBackground = true, Name = "log" };
            writer.Start();
            _writer = writer;
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void Write()
    {
        long nextWrite = 0;
        bool isInMidLine = false;
        while (TryTake(nextWrite, out int length, out int records, out long dropped, out bool reopens))
        {
            if (reopens)
            {
                Reopening!();
            }

            // A full disk may have cut a record; the next one begins on a new line.
            isInMidLine = isInMidLine && write("\n"u8, out _) != Errno.None;

            // Records that could not be written are counted, and the number is written when writing works again.
            Errno error = write(_outgoing.AsSpan(0, length), out int written);
            bool failed = error != Errno.None;

            // Each record that was not written ends with a newline. One with a stack trace contains several.
            int lost = Math.Min(records, _outgoing.AsSpan(written..length).Count((byte)'\n'));
            isInMidLine |= failed && written > 0 && _outgoing[written - 1] != '\n';
            bool wroteDropped = !failed && dropped > 0 && write(describeDropped(dropped), out _) == Errno.None;
            if (length > 0 || wroteDropped)
            {
                Written?.Invoke(error, dropped);
            }

            nextWrite = Environment.TickCount64 + MinIntervalMs;
            lock (_gate)
            {
                _isWriting = false;
                _dropped += lost - (wroteDropped ? dropped : 0);
                _droppedAndTold += wroteDropped ? dropped : 0;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Waits for records, and swaps the filled buffer for the empty one.</summary>
    /// <returns>False once the log is closed and empty.</returns>
    private bool TryTake(long nextWrite, out int length, out int records, out long dropped, out bool reopens)
    {
        lock (_gate)
        {
            while (_length == 0 && !_reopenRequested && !_isClosed)
            {
                _ = Monitor.Wait(_gate);
            }

            for (long left = nextWrite - Environment.TickCount64;
                left > 0 && !_flushRequested && !_reopenRequested && !_isClosed && _length <= Capacity / 2;
                left = nextWrite - Environment.TickCount64)
            {
                _ = Monitor.Wait(_gate, (int)left);
            }

            (_incoming, _outgoing) = (_outgoing, _incoming);
            length = _length;
            records = _records;
            dropped = _dropped;
            reopens = _reopenRequested;
            _length = _records = 0;
            _isWriting = length > 0 || reopens;
            _flushRequested = _reopenRequested = false;
            return _isWriting;
        }
    }
}
