namespace Poetry.Benchmarks.Aot;

/// <summary>
/// <c>poetry.benchmarks deferred|netstring|timers|log</c> prints what the shipped code takes, compiled as it is shipped;
/// <c>poetry.benchmarks serve PORT FILE</c> is a peer of the big benchmarks. Nothing passes or fails here.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        var gauge = new Gauge(Console.Out);
        switch (arguments)
        {
            case ["deferred"]:
                Deferreds(gauge);
                break;
            case ["netstring"]:
                Netstrings(gauge);
                break;
            case ["timers"]:
                Timers(gauge, "due in no order", isInOrder: false);
                Timers(gauge, "of one delay", isInOrder: true);
                foreach (int count in new[] { 1000, 10_000 })
                {
                    FewerTimers(gauge, "due in no order", isInOrder: false, count);
                    FewerTimers(gauge, "of one delay", isInOrder: true, count);
                }

                break;
            case ["log"]:
                Records(gauge, "all threads");
                Records(new Gauge(Console.Out, ofThread: true), "the loop's thread");
                break;
            case ["serve", var port, var file]:
                SocketServer.Run(port, file).Wait();
                break;
            default:
                Console.Error.WriteLine("poetry.benchmarks: deferred, netstring, timers, log, or serve PORT FILE?");
                return 2;
        }

        return gauge.IsPlausible ? 0 : 1;
    }

    private static void Deferreds(Gauge gauge)
    {
        gauge.Title("deferred, native");
        _ = gauge.Line("a delegate: what each line has besides", DeferredCases.CallDelegate);
        _ = gauge.Line("create, fire", DeferredCases.CreateAndFire);
        _ = gauge.Line("  TaskCompletionSource", DeferredCases.CreateAndFireTask);
        _ = gauge.Line("create, three callbacks, fire", DeferredCases.ThreeCallbacks);
        _ = gauge.Line("  TaskCompletionSource, three ContinueWith", DeferredCases.ThreeContinuations);
        _ = gauge.Line("nested: a callback returns a deferred", DeferredCases.Nested);
        _ = gauge.Line("  ContinueWith and Unwrap", DeferredCases.NestedTask);
        _ = gauge.Line("await of a fired one, its own included", DeferredCases.AwaitFired);
        _ = gauge.Line("  async Task", DeferredCases.AwaitFinishedTask);
        _ = gauge.Line("  async ValueTask", DeferredCases.AwaitFinishedValueTask);
        _ = gauge.Line("await of a pending one, both included", DeferredCases.AwaitPending);
        _ = gauge.Line("  async Task", DeferredCases.AwaitPendingTask);
        _ = gauge.Line("  async ValueTask", DeferredCases.AwaitPendingValueTask);
        _ = gauge.Line("list of 100, all included", DeferredCases.List);
        _ = gauge.Line("  Task.WhenAll", DeferredCases.WhenAll);
    }

    private static void Netstrings(Gauge gauge)
    {
        using var cases = new NetstringCases();
        double bytes = (double)cases.BlockLength / NetstringCases.Count;
        gauge.Title("netstrings of 100 bytes, native, each");
        double parse = gauge.Line("parse", cases.Parse, NetstringCases.Count);
        double receive = gauge.Line("receiver", cases.Receive, NetstringCases.Count);
        double cut = gauge.Line("receiver, the block in two parts", cases.ReceiveCut, NetstringCases.Count);
        gauge.Remark($"GB/s: parse {bytes / parse:F1}, receiver {bytes / receive:F1}, in two parts {bytes / cut:F1}");
    }

    private static void Records(Gauge gauge, string threads)
    {
        using var cases = new LogCases();
        gauge.Title($"log records, native, each, {threads}");
        _ = gauge.Line("a connection's, as text", cases.Text, LogCases.Count);
        _ = gauge.Line("a connection's, as JSON", cases.Json, LogCases.Count);
        _ = gauge.Line("a cached poem's line, as text", cases.Message, LogCases.Count);
        _ = gauge.Line("through ZLogger: a refused request, as text", cases.Refused, LogCases.Count);
    }

    private static void Timers(Gauge gauge, string what, bool isInOrder)
    {
        gauge.Title($"a million delayed calls {what}, native");
        var cases = new TimerCases(isInOrder);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        gauge.Once("add", cases.Add, TimerCases.Count);
        gauge.Once("push back", cases.Rearm, TimerCases.Count);
        gauge.Once("cancel", cases.Cancel, TimerCases.Count);
        gauge.Once("add again", cases.Add, TimerCases.Count);
        long most = GC.GetTotalMemory(forceFullCollection: true);
        gauge.Once("fire", cases.Fire, TimerCases.Count);
        cases.Forget();
        long after = GC.GetTotalMemory(forceFullCollection: true);
        gauge.Remark($"managed MB: {before / 1e6:F1} before, {most / 1e6:F1} with a million, {after / 1e6:F1} after");
        gauge.Remark($"entries that the queue has room for in the end: {cases.Capacity}");
        GC.KeepAlive(cases);
    }

    private static void FewerTimers(Gauge gauge, string what, bool isInOrder, int count)
    {
        gauge.Title($"{count} delayed calls {what}, native");
        var cases = new TimerCases(isInOrder, count);
        _ = gauge.Line("add and fire", cases.AddAndFire, count);
        _ = gauge.Line("add, push back and fire", cases.AddRearmAndFire, count);
        _ = gauge.Line("add and cancel", cases.AddAndCancel, count);
        _ = gauge.Line("fire and schedule again", new TimerCases(isInOrder, count).Paced().Pace, count);
    }
}
