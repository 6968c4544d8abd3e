using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;

namespace Poetry.Benchmarks.Jit;

/// <summary>Deferreds beside tasks: see <see cref="DeferredCases"/>. The deferred is the baseline of each category.</summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class DeferredBenchmarks
{
    private const string CreateAndFire = "1 create, fire";
    private const string ThreeCallbacks = "2 three callbacks";
    private const string Nested = "3 nested";
    private const string AwaitFired = "4 await, fired";
    private const string AwaitPending = "5 await, pending";
    private const string List = "6 list of 100";

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(CreateAndFire)]
    public int CreateAndFireDeferred() => DeferredCases.CreateAndFire();

    [Benchmark(Description = "TaskCompletionSource")]
    [BenchmarkCategory(CreateAndFire)]
    public int CreateAndFireTask() => DeferredCases.CreateAndFireTask();

    [Benchmark(Description = "ValueTask")]
    [BenchmarkCategory(CreateAndFire)]
    public int CreateAndFireValueTask() => DeferredCases.CreateAndFireValueTask();

    [Benchmark(Description = "delegate")]
    [BenchmarkCategory(CreateAndFire)]
    public int CallDelegate() => DeferredCases.CallDelegate();

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(ThreeCallbacks)]
    public int ThreeCallbacksDeferred() => DeferredCases.ThreeCallbacks();

    [Benchmark(Description = "TaskCompletionSource")]
    [BenchmarkCategory(ThreeCallbacks)]
    public int ThreeContinuations() => DeferredCases.ThreeContinuations();

    [Benchmark(Description = "delegates")]
    [BenchmarkCategory(ThreeCallbacks)]
    public int ThreeDelegates() => DeferredCases.ThreeDelegates();

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(Nested)]
    public int NestedDeferred() => DeferredCases.Nested();

    [Benchmark(Description = "TaskCompletionSource")]
    [BenchmarkCategory(Nested)]
    public int NestedTask() => DeferredCases.NestedTask();

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(AwaitFired)]
    public int AwaitFiredDeferred() => DeferredCases.AwaitFired();

    [Benchmark(Description = "Task")]
    [BenchmarkCategory(AwaitFired)]
    public int AwaitFinishedTask() => DeferredCases.AwaitFinishedTask();

    [Benchmark(Description = "ValueTask")]
    [BenchmarkCategory(AwaitFired)]
    public int AwaitFinishedValueTask() => DeferredCases.AwaitFinishedValueTask();

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(AwaitPending)]
    public int AwaitPendingDeferred() => DeferredCases.AwaitPending();

    [Benchmark(Description = "TaskCompletionSource")]
    [BenchmarkCategory(AwaitPending)]
    public int AwaitPendingTask() => DeferredCases.AwaitPendingTask();

    [Benchmark(Description = "ValueTask")]
    [BenchmarkCategory(AwaitPending)]
    public int AwaitPendingValueTask() => DeferredCases.AwaitPendingValueTask();

    [Benchmark(Baseline = true, Description = "Deferred")]
    [BenchmarkCategory(List)]
    public int ListOfDeferreds() => DeferredCases.List();

    [Benchmark(Description = "Task.WhenAll")]
    [BenchmarkCategory(List)]
    public int WhenAll() => DeferredCases.WhenAll();
}
