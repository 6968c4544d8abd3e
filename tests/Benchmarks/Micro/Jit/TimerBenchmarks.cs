using BenchmarkDotNet.Attributes;

namespace Poetry.Benchmarks.Jit;

/// <summary>
/// A million delayed calls: time for each of them. The platform's own priority queue, which can neither cancel nor move
/// what is in it, is there for scale.
/// </summary>
public class TimerBenchmarks
{
    private readonly PriorityQueue<object, long> _platform = new();
    private TimerCases _cases = new();

    [IterationSetup(Target = nameof(Add))]
    public void Renew() => _cases = new TimerCases();

    [IterationSetup(Targets = [nameof(Rearm), nameof(Cancel), nameof(Fire)])]
    public void RenewAndAdd()
    {
        _cases = new TimerCases();
        _ = _cases.Add();
    }

    [Benchmark(OperationsPerInvoke = TimerCases.Count)]
    public int Add() => _cases.Add();

    [Benchmark(OperationsPerInvoke = TimerCases.Count)]
    public int Rearm() => _cases.Rearm();

    [Benchmark(OperationsPerInvoke = TimerCases.Count)]
    public int Cancel() => _cases.Cancel();

    [Benchmark(OperationsPerInvoke = TimerCases.Count)]
    public int Fire() => _cases.Fire();

    /// <summary>In and out again.</summary>
    [Benchmark(OperationsPerInvoke = TimerCases.Count)]
    public int PlatformAddAndTake()
    {
        uint key = 1;
        for (int i = 0; i < TimerCases.Count; i++)
        {
            // A full period of a linear congruence (Knuth's multiplier): no order, and no array to read.
            key = (key * 1664525) + 1013904223;
            _platform.Enqueue(this, key);
        }

        int taken = 0;
        while (_platform.TryDequeue(out _, out _))
        {
            taken++;
        }

        return taken;
    }
}
