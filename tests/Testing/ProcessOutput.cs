using System.Text;

namespace Poetry.Tests.Testing;

/// <summary>
/// What a process writes to one of its streams, byte for byte. A thread of its own reads, so that the process never waits
/// for the test; the test waits for what it wants to see.
/// </summary>
internal sealed class ProcessOutput : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _news = new();
    private readonly MemoryStream _bytes = new();
    private readonly Stream _stream;
    private readonly string _name;
    private bool _ended;

    public ProcessOutput(Stream stream, string name)
    {
        _stream = stream;
        _name = name;
        new Thread(Read) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>All that has come so far.</summary>
    public byte[] Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes.ToArray();
            }
        }
    }

    /// <summary>All that has come so far, as text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The whole lines that have come so far.</summary>
    public string[] Lines
    {
        get
        {
            string text = Text;
            int end = text.LastIndexOf('\n');
            return end < 0 ? [] : text[..end].Split('\n');
        }
    }

    /// <summary>Waits until so many whole lines are there.</summary>
    public string[] WaitForLines(int count)
    {
        Wait(() => Lines.Length >= count, $"{count} lines");
        return Lines;
    }

    /// <summary>Waits until so many whole lines are there, or the process has closed the stream.</summary>
    /// <returns>True if the lines are there.</returns>
    /// <param name="count">How many.</param>
    /// <param name="orWhen">What ends the wait as well.</param>
    public bool WaitForLinesOrEnd(int count, Func<bool> orWhen)
    {
        _ = SpinWait.SpinUntil(() => Lines.Length >= count || _ended || orWhen(), Patience.Milliseconds);
        return Lines.Length >= count;
    }

    /// <summary>Waits until a text occurs after a place.</summary>
    /// <param name="text">To be found, ordinal.</param>
    /// <param name="from">Characters before this one don't count: the length of <see cref="Text"/> at an earlier moment.</param>
    public void WaitForText(string text, int from = 0) =>
        Wait(() => Text.IndexOf(text, from, StringComparison.Ordinal) >= 0, $"\"{text}\"");

    /// <summary>Waits until so many bytes are there.</summary>
    public void WaitForBytes(int count) => Wait(() => Bytes.Length >= count, $"{count} bytes");

    /// <summary>Waits until the process has closed the stream.</summary>
    public void WaitForEnd() => Wait(() => _ended, "its end");

    /// <summary>Closes our end, as <c>head -1</c> does when it has its line. It takes effect at the next byte that comes.</summary>
    public void HangUp() => _stream.Dispose();

    public void Dispose()
    {
        _stream.Dispose();
        _news.Dispose();
    }

    private void Read()
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = _stream.Read(buffer)) > 0)
            {
                Publish(buffer.AsSpan(0, count));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Closed from our side, which is an end as well.
        }

        lock (_gate)
        {
            _ended = true;
        }

        Tell();
    }

    private void Publish(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            _bytes.Write(bytes);
        }

        Tell();
    }

    private void Tell()
    {
        try
        {
            _news.Set();
        }
        catch (ObjectDisposedException)
        {
            // No test waits any more.
        }
    }

    private void Wait(Func<bool> isThere, string what)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!isThere())
        {
            _news.Reset();
            if (isThere())
            {
                return;
            }

            bool over = _ended || !_news.Wait((int)Math.Max(0, deadline - Environment.TickCount64));
            if (over && !isThere())
            {
                Assert.Fail($"{_name}: {what} did not come {(_ended ? "before its end" : "in time")}; it says:\n{Text}");
            }
        }
    }
}
