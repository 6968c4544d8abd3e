using System.Globalization;
using System.Runtime.InteropServices;

namespace Poetry.Benchmarks.Aot;

/// <summary>
/// A stopwatch for native code: calls a function until it has taken long enough, several times over, and prints median and
/// best of the nanoseconds and the bytes that were allocated. It counts processor time, so that programs that run at the same time
/// cost no more than the cache. The call through a delegate is part of every figure.
/// </summary>
/// <param name="output">Where the tables go.</param>
/// <param name="ofThread">True to count the calling thread alone, where the system can tell (Linux).</param>
internal sealed partial class Gauge(TextWriter output, bool ofThread = false)
{
    /// <summary>CLOCK_THREAD_CPUTIME_ID of Linux.</summary>
    private const int ThreadTime = 3;

    /// <summary>Long against a tick of the scheduler, short enough to wait for.</summary>
    private const double RoundMs = 100;

    private const int Rounds = 9;

    private int _sum;

    /// <summary>Begins a table.</summary>
    public void Title(string title) => output.WriteLine(Invariant($"\n{title,-44} {"ns",8} {"best ns",8} {"bytes",8}"));

    /// <summary>Measures and prints one line.</summary>
    /// <param name="name">What is done.</param>
    /// <param name="body">Does it, and returns a number.</param>
    /// <param name="operations">How often one call does it.</param>
    /// <returns>Nanoseconds for one.</returns>
    public double Line(string name, Func<int> body, int operations = 1)
    {
        int calls = CallsFor(body);
        var nanoseconds = new double[Rounds];
        long bytesBefore = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < Rounds; round++)
        {
            nanoseconds[round] = Time(body, calls) / operations;
        }

        double bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - bytesBefore) / Rounds / calls / operations;
        Array.Sort(nanoseconds);
        double median = nanoseconds[Rounds / 2];
        output.WriteLine(Invariant($"{name,-44} {median,8:F1} {nanoseconds[0],8:F1} {bytes,8:F0}"));
        return median;
    }

    /// <summary>Measures one call, which can't be repeated. What the collector took of its time is told, for it comes when it likes.</summary>
    public void Once(string name, Func<int> body, int operations)
    {
        long bytesBefore = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan pauseBefore = GC.GetTotalPauseDuration();
        double nanoseconds = Time(body, 1) / operations;
        double bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - bytesBefore) / operations;
        double collector = (GC.GetTotalPauseDuration() - pauseBefore).TotalNanoseconds / operations;
        string remark = collector > 0 ? Invariant($"  ({collector:F1} ns of it the collector's)") : "";
        output.WriteLine(Invariant($"{name,-44} {nanoseconds,8:F1} {"",8} {bytes,8:F0}{remark}"));
    }

    /// <summary>Writes a remark below the table.</summary>
    public void Remark(FormattableString text) => output.WriteLine(Invariant(text));

    /// <summary>Keeps what the bodies returned from being useless.</summary>
    public bool IsPlausible => _sum != 0;

    private int CallsFor(Func<int> body)
    {
        for (int calls = 1; ; calls *= 2)
        {
            double ms = Time(body, calls) * calls / 1e6;
            if (ms >= RoundMs / 4)
            {
                return (int)Math.Clamp(calls * RoundMs / ms, 1, int.MaxValue);
            }
        }
    }

    private double Time(Func<int> body, int calls)
    {
        int sum = 0;
        double began = NowNs();
        for (int i = 0; i < calls; i++)
        {
            sum += body();
        }

        double took = NowNs() - began;
        _sum ^= sum | 1 << 30;
        return took / calls;
    }

    private double NowNs() =>
        ofThread && OperatingSystem.IsLinux() && clock_gettime(ThreadTime, out Timespec now) == 0
            ? (now.Seconds * 1e9) + now.Nanoseconds
            : Environment.CpuUsage.TotalTime.TotalNanoseconds;

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out Timespec now);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
