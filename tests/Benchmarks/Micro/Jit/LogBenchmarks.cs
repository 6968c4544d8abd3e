using BenchmarkDotNet.Attributes;

namespace Poetry.Benchmarks.Jit;

/// <summary>Log records, each.</summary>
public class LogBenchmarks
{
    private LogCases _cases = null!;

    [GlobalSetup]
    public void Open() => _cases = new LogCases();

    [GlobalCleanup]
    public void Close() => _cases.Dispose();

    [Benchmark(OperationsPerInvoke = LogCases.Count)]
    public int Text() => _cases.Text();

    [Benchmark(OperationsPerInvoke = LogCases.Count)]
    public int Json() => _cases.Json();

    [Benchmark(OperationsPerInvoke = LogCases.Count)]
    public int Message() => _cases.Message();

    [Benchmark(OperationsPerInvoke = LogCases.Count)]
    public int Refused() => _cases.Refused();
}
