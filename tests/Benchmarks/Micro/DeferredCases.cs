using Poetry.Net;

namespace Poetry.Benchmarks;

/// <summary>
/// What is done with a deferred, beside what .NET offers for the same: a <see cref="TaskCompletionSource{T}"/> with
/// continuations, a <see cref="ValueTask{T}"/>, and a delegate that is simply called. Each returns a number, so that no
/// compiler leaves the work out.
/// </summary>
internal static class DeferredCases
{
    private const int ListLength = 100;

    private static readonly Func<int, int> s_addOne = static value => value + 1;
    private static readonly Func<Task<int>, int> s_addOneToTask = static task => task.Result + 1;
    private static readonly Deferred<int> s_fired = Deferred.Succeed(1);
    private static readonly Task<int> s_finished = Task.FromResult(1);

    public static int CreateAndFire()
    {
        var deferred = new Deferred<int>();
        deferred.Callback(1);
        return deferred.PeekValue;
    }

    public static int CreateAndFireTask()
    {
        var source = new TaskCompletionSource<int>();
        source.SetResult(1);
        return source.Task.Result;
    }

    public static int CreateAndFireValueTask() => new ValueTask<int>(1).Result;

    public static int CallDelegate() => s_addOne(0);

    public static int ThreeCallbacks()
    {
        var deferred = new Deferred<int>();
        _ = deferred.AddCallback(s_addOne).AddCallback(s_addOne).AddCallback(s_addOne);
        deferred.Callback(1);
        return deferred.PeekValue;
    }

    public static int ThreeContinuations()
    {
        var source = new TaskCompletionSource<int>();
        Task<int> last = source.Task;
        for (int i = 0; i < 3; i++)
        {
            last = last.ContinueWith(s_addOneToTask, TaskContinuationOptions.ExecuteSynchronously);
        }

        source.SetResult(1);
        return last.Result;
    }

    public static int ThreeDelegates() => s_addOne(s_addOne(s_addOne(1)));

    /// <summary>A callback returns a deferred that fires later: the outer one waits for it.</summary>
    public static int Nested()
    {
        var inner = new Deferred<int>();
        var outer = new Deferred<int>();
        Deferred<int> chain = outer.AddCallback<Deferred<int>, int>(inner, static (inner, _) => inner).AddCallback(s_addOne);
        outer.Callback(1);
        inner.Callback(2);
        return chain.PeekValue;
    }

    public static int NestedTask()
    {
        var inner = new TaskCompletionSource<int>();
        var outer = new TaskCompletionSource<int>();
        Task<int> chain = outer.Task
            .ContinueWith(static (_, inner) => (Task<int>)inner!, inner.Task, TaskContinuationOptions.ExecuteSynchronously)
            .Unwrap()
            .ContinueWith(s_addOneToTask, TaskContinuationOptions.ExecuteSynchronously);
        outer.SetResult(1);
        inner.SetResult(2);
        return chain.Result;
    }

    public static int AwaitFired() => AddOne(s_fired).PeekValue;

    public static int AwaitFinishedTask() => AddOne(s_finished).Result;

    public static int AwaitFinishedValueTask()
    {
        ValueTask<int> result = AddOne(new ValueTask<int>(1));
        return result.IsCompleted ? result.Result : 0;
    }

    /// <summary>With the deferred that is awaited.</summary>
    public static int AwaitPending()
    {
        var awaited = new Deferred<int>();
        Deferred<int> result = AddOne(awaited);
        awaited.Callback(1);
        return result.PeekValue;
    }

    public static int AwaitPendingTask()
    {
        var awaited = new TaskCompletionSource<int>();
        Task<int> result = AddOne(awaited.Task);
        awaited.SetResult(1);
        return result.Result;
    }

    public static int AwaitPendingValueTask()
    {
        var awaited = new TaskCompletionSource<int>();
        ValueTask<int> result = AddOne(new ValueTask<int>(awaited.Task));
        awaited.SetResult(1);
        return result.IsCompleted ? result.Result : 0;
    }

    /// <summary>A list of a hundred that fire one after the other, with those hundred.</summary>
    public static int List()
    {
        var members = new Deferred<int>[ListLength];
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = new Deferred<int>();
        }

        Deferred<int[]> all = Deferred.GatherResults(members);
        for (int i = 0; i < members.Length; i++)
        {
            members[i].Callback(i);
        }

        return all.PeekValue.Length;
    }

    public static int WhenAll()
    {
        var members = new TaskCompletionSource<int>[ListLength];
        var tasks = new Task<int>[ListLength];
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = new TaskCompletionSource<int>();
            tasks[i] = members[i].Task;
        }

        Task<int[]> all = Task.WhenAll(tasks);
        for (int i = 0; i < members.Length; i++)
        {
            members[i].SetResult(i);
        }

        return all.Result.Length;
    }

    private static async Deferred<int> AddOne(Deferred<int> deferred) => await deferred + 1;

    private static async Task<int> AddOne(Task<int> task) => await task.ConfigureAwait(false) + 1;

    private static async ValueTask<int> AddOne(ValueTask<int> task) => await task.ConfigureAwait(false) + 1;
}
