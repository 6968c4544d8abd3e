using BenchmarkDotNet.Attributes;

namespace Poetry.Benchmarks.Jit;

/// <summary>Reading netstrings of 100 bytes: time for each string. 105 bytes in as many nanoseconds are 1 GB/s.</summary>
public class NetstringBenchmarks
{
    private readonly NetstringCases _cases = new();

    [Benchmark(OperationsPerInvoke = NetstringCases.Count, Baseline = true)]
    public int Parse() => _cases.Parse();

    [Benchmark(OperationsPerInvoke = NetstringCases.Count)]
    public int Receive() => _cases.Receive();

    [Benchmark(OperationsPerInvoke = NetstringCases.Count)]
    public int ReceiveCut() => _cases.ReceiveCut();

    [GlobalCleanup]
    public void Clean() => _cases.Dispose();
}
