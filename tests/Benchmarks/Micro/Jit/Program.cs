using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Poetry.Benchmarks.Jit;

/// <summary>
/// <c>poetry.benchmarks deferred|netstring|timers|log [ARTIFACTS]</c>: BenchmarkDotNet within this very process, so that nothing
/// else is built and restored. Figures are printed to be compared; nothing passes or fails.
/// </summary>
internal static class Program
{
    private const int WarmupCount = 3;
    private const int IterationCount = 8;
    private const double IterationMs = 100;

    private static int Main(string[] arguments)
    {
        Type? type = arguments switch
        {
            ["deferred", ..] => typeof(DeferredBenchmarks),
            ["netstring", ..] => typeof(NetstringBenchmarks),
            ["timers", ..] => typeof(TimerBenchmarks),
            ["log", ..] => typeof(LogBenchmarks),
            _ => null,
        };
        if (type is null)
        {
            Console.Error.WriteLine("poetry.benchmarks: deferred, netstring, timers or log?");
            return 2;
        }

        IConfig config = ManualConfig.CreateEmpty()
            .AddLogger(ConsoleLogger.Default)
            .AddExporter(MarkdownExporter.Console)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddJob(JobOf(type))
            .WithArtifactsPath(arguments.Length > 1 ? arguments[1] : "BenchmarkDotNet.Artifacts");
        _ = BenchmarkRunner.Run(type, config);
        return 0;
    }

    /// <summary>A million calls are added once an iteration; all else is repeated until it fills one.</summary>
    private static Job JobOf(Type type)
    {
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance);
        return type == typeof(TimerBenchmarks)
            ? job.WithStrategy(BenchmarkDotNet.Engines.RunStrategy.Monitoring)
                .WithWarmupCount(1).WithIterationCount(5).WithInvocationCount(1).WithUnrollFactor(1)
            : job.WithWarmupCount(WarmupCount).WithIterationCount(IterationCount)
                .WithIterationTime(TimeInterval.FromMilliseconds(IterationMs));
    }
}
