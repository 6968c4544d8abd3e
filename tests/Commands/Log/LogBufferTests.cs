using System.Globalization;
using System.Text;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class LogBufferTests
{
    /// <summary>Far beyond what anything here takes; only a bug waits so long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly StuckWriter _writer = new();

    [TestMethod]
    public void TryAppend_Records_AreWrittenInOrder()
    {
        using LogBuffer buffer = Create();
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsTrue(buffer.TryAppend(Encoding.ASCII.GetBytes($"record {i}\n")));
        }

        Assert.IsTrue(buffer.Flush(Patience));
        string expected = string.Concat(Enumerable.Range(0, 1000).Select(i => $"record {i}\n"));
        Assert.AreEqual(expected, _writer.Text);
    }

    [TestMethod]
    public void TryAppend_ReaderStopped_DropsCountsAndSaysSoOnce()
    {
        using LogBuffer buffer = Create();
        _writer.Stop();
        Assert.IsTrue(buffer.TryAppend("first\n"u8));
        Assert.IsTrue(_writer.WaitUntilEntered(Patience));

        byte[] record = Encoding.ASCII.GetBytes(new string('x', 1023) + "\n");
        int kept = 0;
        int dropped = 0;
        for (int i = 0; i < 500; i++)
        {
            if (buffer.TryAppend(record))
            {
                kept++;
            }
            else
            {
                dropped++;
            }
        }

        Assert.AreEqual(LogBuffer.Capacity / 1024, kept);
        Assert.IsFalse(buffer.Flush(TimeSpan.Zero), "the reader still does not read");
        _writer.GoOn();
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.IsTrue(_writer.Text.EndsWith($"x\ndropped {dropped}\n", StringComparison.Ordinal), "what was dropped is told at the end");

        Assert.IsTrue(buffer.TryAppend("after\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.IsTrue(_writer.Text.EndsWith($"dropped {dropped}\nafter\n", StringComparison.Ordinal));
    }

    [TestMethod]
    public void TryAppend_DiskFull_GoesOnWhenThereIsRoomAgain()
    {
        var results = new List<(Errno Error, long Dropped)>();
        using LogBuffer buffer = Create((error, dropped) => results.Add((error, dropped)));
        _writer.FailAfter(bytes: 14);

        // While the writer is stuck in the first batch, the next two records come together into the second.
        _writer.Stop();
        Assert.IsTrue(buffer.TryAppend("first\n"u8));
        Assert.IsTrue(_writer.WaitUntilEntered(Patience));
        Assert.IsTrue(buffer.TryAppend("kept\n"u8));
        Assert.IsTrue(buffer.TryAppend("lost in part\n"u8));
        _writer.GoOn();
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.IsTrue(buffer.TryAppend("lost\n"u8));
        Assert.IsTrue(buffer.TryAppend("lost\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        _writer.Recover();
        Assert.IsTrue(buffer.TryAppend("kept\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual("first\nkept\nlos\nkept\ndropped 3\n", _writer.Text);
        Assert.AreEqual(3, buffer.Dropped, "what was said of them stays counted");
        Assert.IsTrue(buffer.TryAppend("kept\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual((Errno.None, 0L), results[0]);
        Assert.IsGreaterThan(3, results.Count);
        Assert.IsTrue(results[1..^2].TrueForAll(result => result.Error == Errno.ENOSPC));
        CollectionAssert.AreEqual(new[] { (Errno.None, 3L), (Errno.None, 0L) }, results[^2..]);
    }

    /// <summary>A record with a stack trace has many lines. Cut in the middle it is one record lost.</summary>
    [TestMethod]
    public void TryAppend_DiskFullWithinARecordOfManyLines_CountsIt()
    {
        using LogBuffer buffer = Create();
        _writer.FailAfter(bytes: 8);
        Assert.IsTrue(buffer.TryAppend("1\n2\n3\n4\n5\n6\n7\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual(1, buffer.Dropped);
        _writer.Recover();
        Assert.IsTrue(buffer.TryAppend("kept\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual("1\n2\n3\n4\nkept\ndropped 1\n", _writer.Text);
    }

    [TestMethod]
    public void TryAppend_RecordLargerThanTheBuffer_IsDropped()
    {
        using LogBuffer buffer = Create();
        Assert.IsFalse(buffer.TryAppend(new byte[LogBuffer.Capacity + 1]));
        Assert.IsTrue(buffer.TryAppend("small\n"u8));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual("small\ndropped 1\n", _writer.Text);
    }

    [TestMethod]
    public void TryAppend_ManyThreads_NeverMixTheirLines()
    {
        const int Threads = 4;
        const int Each = 2000;
        using LogBuffer buffer = Create();
        var threads = new List<Thread>();
        for (int t = 0; t < Threads; t++)
        {
            byte[] line = Encoding.ASCII.GetBytes(new string((char)('a' + t), 20 + t) + "\n");
            var thread = new Thread(() =>
            {
                for (int i = 0; i < Each; i++)
                {
                    while (!buffer.TryAppend(line))
                    {
                        _ = Thread.Yield();
                    }
                }
            });
            thread.Start();
            threads.Add(thread);
        }

        threads.ForEach(thread => thread.Join());
        Assert.IsTrue(buffer.Flush(Patience));
        string[] lines = _writer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("dropped", StringComparison.Ordinal)).ToArray();
        Assert.AreEqual(Threads * Each, lines.Length);
        for (int t = 0; t < Threads; t++)
        {
            string line = new((char)('a' + t), 20 + t);
            Assert.AreEqual(Each, lines.Count(l => l == line));
        }
    }

    [TestMethod]
    public void Dispose_WritesWhatThereIsAndTakesNoMore()
    {
        LogBuffer buffer = Create();
        Assert.IsTrue(buffer.TryAppend("last words\n"u8));
        buffer.Dispose();
        Assert.AreEqual("last words\n", _writer.Text);
        Assert.IsFalse(buffer.TryAppend("too late\n"u8));
    }

    /// <summary>The destination is opened again by the writing thread, whether or not there is anything to write.</summary>
    [TestMethod]
    public void Reopen_WithAndWithoutRecords_IsDoneByTheWritingThread()
    {
        using var done = new SemaphoreSlim(0);
        int caller = Environment.CurrentManagedThreadId;
        int other = caller;
        using var buffer = new LogBuffer(_writer.Write, _ => [])
        {
            Reopening = () =>
            {
                other = Environment.CurrentManagedThreadId;
                _ = done.Release();
            },
        };
        buffer.Reopen();
        Assert.IsTrue(done.Wait(Patience), "nothing was logged yet");
        Assert.AreNotEqual(caller, other);
        Assert.IsTrue(buffer.TryAppend("one\n"u8));
        buffer.Reopen();
        Assert.IsTrue(done.Wait(Patience));
        Assert.IsTrue(buffer.Flush(Patience));
        Assert.AreEqual("one\n", _writer.Text);
    }

    [TestMethod]
    public void Flush_NothingAppended_IsDone()
    {
        using LogBuffer buffer = Create();
        Assert.IsTrue(buffer.Flush(TimeSpan.Zero));
    }

    private LogBuffer Create(Action<Errno, long>? written = null) => new(
        _writer.Write,
        count => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"dropped {count}\n")))
    {
        Written = written,
    };

    /// <summary>A place to write to that can be stopped, filled up and emptied.</summary>
    private sealed class StuckWriter
    {
        private readonly object _gate = new();
        private readonly StringBuilder _text = new();
        private bool _isStopped;
        private bool _isEntered;
        private int _room = int.MaxValue;

        public string Text
        {
            get
            {
                lock (_gate)
                {
                    return _text.ToString();
                }
            }
        }

        public void Stop()
        {
            lock (_gate)
            {
                _isStopped = true;
            }
        }

        public void GoOn()
        {
            lock (_gate)
            {
                _isStopped = false;
                Monitor.PulseAll(_gate);
            }
        }

        /// <summary>Waits until a thread is blocked in here.</summary>
        public bool WaitUntilEntered(TimeSpan timeout)
        {
            lock (_gate)
            {
                return _isEntered || Monitor.Wait(_gate, timeout);
            }
        }

        public void FailAfter(int bytes)
        {
            lock (_gate)
            {
                _room = bytes;
            }
        }

        public void Recover() => FailAfter(int.MaxValue);

        public Errno Write(ReadOnlySpan<byte> bytes, out int written)
        {
            lock (_gate)
            {
                _isEntered = true;
                Monitor.PulseAll(_gate);
                while (_isStopped)
                {
                    _ = Monitor.Wait(_gate);
                }

                written = Math.Min(bytes.Length, _room);
                _room -= _room == int.MaxValue ? 0 : written;
                _ = _text.Append(Encoding.ASCII.GetString(bytes[..written]));
                return written < bytes.Length ? Errno.ENOSPC : Errno.None;
            }
        }
    }
}
