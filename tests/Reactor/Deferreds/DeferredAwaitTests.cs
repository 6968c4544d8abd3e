using System.Runtime.CompilerServices;
using Poetry.Net;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Async methods that return deferreds: Twisted's inlineCallbacks.</summary>
[TestClass]
public sealed class DeferredAwaitTests
{
    [TestMethod]
    public void Method_RunsAtOnce_AndReturnsItsOwnDeferred()
    {
        var inner = new Deferred<int>();
        var log = new List<string>();
        async Deferred<string> Method()
        {
            log.Add("started");
            int value = await inner;
            log.Add("resumed");
            return $"<{value}>";
        }

        Deferred<string> deferred = Method();
        log.Add("returned");
        Assert.IsFalse(deferred.Called);
        inner.Callback(5);
        log.Add("fired");
        Assert.AreEqual("<5>", ResultOf(deferred));
        CollectionAssert.AreEqual(new[] { "started", "returned", "resumed", "fired" }, log);
    }

    [TestMethod]
    public void Await_OfItsOwnDeferred_FailsInsteadOfWaitingForItself()
    {
        var inner = new Deferred<int>();
        Deferred<int>? mine = null;
        async Deferred<int> Method() => await inner + await mine!;
        mine = Method();
        inner.Callback(1);
        Assert.IsTrue(FailureOf(mine).Check<InvalidOperationException>());

        // A handle of its own chain waits for it too.
        Deferred<string>? text = null;
        var second = new Deferred<int>();
        async Deferred<int> AwaitText() => await second + (await text!).Length;
        text = AwaitText().AddCallback(value => $"{value}");
        second.Callback(1);
        Assert.IsTrue(FailureOf(text).Check<InvalidOperationException>());
    }

    [TestMethod]
    public void Await_TakesTheResult_AndLeavesTheDefault()
    {
        static async Deferred<int> Twice(Deferred<int> inner) => await inner + (await inner * 100);
        Deferred<int> inner = Deferred.Succeed(7);
        Assert.AreEqual(7, ResultOf(Twice(inner)));
    }

    [TestMethod]
    public void Await_OfAFailure_ThrowsItsExceptionWithItsStack()
    {
        static async Deferred<string> Method(Deferred<int> inner)
        {
            try
            {
                await inner;
                return "nothing was thrown";
            }
            catch (NotSupportedException exception)
            {
                return exception.StackTrace!;
            }
        }

        var inner = new Deferred<int>();
        inner.AddCallback(_ => ThrowHere());
        Deferred<string> stack = Method(inner);
        inner.Callback(1);
        StringAssert.Contains(ResultOf(stack), nameof(ThrowHere));
    }

    [TestMethod]
    public void Method_ThatThrows_FailsItsDeferred()
    {
        static async Deferred<int> Method(Deferred<int> inner)
        {
            await inner;
            return ThrowHere();
        }

        Failure atOnce = FailureOf(Method(Deferred.Succeed(1)));
        Assert.IsTrue(atOnce.Check<NotSupportedException>());
        StringAssert.Contains(atOnce.ToString(), nameof(ThrowHere));
        var later = new Deferred<int>();
        Deferred<int> waiting = Method(later);
        later.Callback(1);
        Assert.IsTrue(FailureOf(waiting).Check<NotSupportedException>());
    }

    [TestMethod]
    public void Cancel_CancelsWhatIsAwaited_AndTheMethodMayCatchIt()
    {
        bool stopped = false;
        var inner = new Deferred<int>(_ => stopped = true);
        static async Deferred<string> Method(Deferred<int> inner)
        {
            try
            {
                await inner;
                return "done";
            }
            catch (OperationCanceledException)
            {
                return "given up";
            }
        }

        Deferred<string> deferred = Method(inner);
        deferred.Cancel();
        Assert.IsTrue(stopped);
        Assert.AreEqual("given up", ResultOf(deferred));
    }

    [TestMethod]
    public void Cancel_ByTheMethodsOwnCode_CancelsWhatItAwaitsNext()
    {
        var first = new Deferred<int>();
        var second = new Deferred<int>();
        Deferred<int>? self = null;
        async Deferred<int> Method()
        {
            await first;
            self!.Cancel();
            return await second;
        }

        self = Method();
        first.Callback(1);
        Assert.IsTrue(second.Called);
        Assert.IsTrue(FailureOf(self).Check<CancelledError>());
    }

    [TestMethod]
    public void Callback_OnTheDeferredOfAMethod_Throws()
    {
        var inner = new Deferred<int>();
        static async Deferred<int> Method(Deferred<int> inner) => await inner;
        Deferred<int> deferred = Method(inner);
        Assert.ThrowsExactly<InvalidOperationException>(() => deferred.Callback(1));
        inner.Callback(2);
        Assert.AreEqual(2, ResultOf(deferred));
    }

    [TestMethod]
    public void MethodWithoutValue_IsAwaitedWithoutOne()
    {
        var inner = new Deferred<int>();
        static async Deferred Nothing(Deferred<int> inner) => await inner;
        static async Deferred<string> Outer(Deferred inner)
        {
            await inner;
            return "after";
        }

        Deferred<string> outer = Outer(Nothing(inner));
        inner.Callback(1);
        Assert.AreEqual("after", ResultOf(outer));
    }

    [TestMethod]
    public void Await_OfATask_IsRefused()
    {
        static async Deferred<int> Method() => await new TaskCompletionSource<int>().Task;
        Assert.IsTrue(FailureOf(Method()).Check<NotSupportedException>());
    }

    [TestMethod]
    public async Task Await_InAnAsyncTask_Works()
    {
        var inner = new Deferred<int>();
        async Task<int> Method() => await inner;
        Task<int> task = Method();
        inner.Callback(3);
        Assert.AreEqual(3, await task);
    }

    [TestMethod]
    public void Await_OfAHandleThatWasLeft_Fails()
    {
        static async Deferred<int> Method(Deferred<int> inner) => await inner;
        var inner = new Deferred<int>();
        _ = inner.AddCallback(x => $"<{x}>");
        Assert.IsTrue(FailureOf(Method(inner)).Check<InvalidOperationException>());
    }

    /// <summary>Aim: methods that await methods are no deeper than deferreds in deferreds. Method: a line of very many.</summary>
    [TestMethod]
    public void LineOfVeryManyMethods_NeedsNoStack()
    {
        static async Deferred<int> Next(Deferred<int> inner) => await inner + 1;
        var first = new Deferred<int>();
        Deferred<int> last = first;
        for (int i = 0; i < 200_000; i++)
        {
            last = Next(last);
        }

        first.Callback(0);
        Assert.AreEqual(200_000, ResultOf(last));
    }

    [TestMethod]
    public void Cancel_OfALineOfMethods_NeedsNoStackAndEndsThemInOrder()
    {
        int ended = 0;
        async Deferred<int> Next(Deferred<int> inner, int number)
        {
            try
            {
                return await inner;
            }
            catch (CancelledError) when (number > 0)
            {
                Assert.AreEqual(ended + 1, number);
                ended++;
                return number;
            }
        }

        var first = new Deferred<int>();
        Deferred<int> last = Next(first, 1);
        static async Deferred<int> Quiet(Deferred<int> inner) => await inner;
        for (int i = 0; i < 100_000; i++)
        {
            last = Quiet(last);
        }

        last.Cancel();
        Assert.AreEqual(1, ResultOf(last));
        Assert.AreEqual(1, ended);
    }

    [TestMethod]
    public void Loop_OverFiredDeferreds_NeedsNoStack()
    {
        static async Deferred<int> Sum(int count)
        {
            int sum = 0;
            for (int i = 0; i < count; i++)
            {
                sum += await Deferred.Succeed(1);
            }

            return sum;
        }

        Assert.AreEqual(200_000, ResultOf(Sum(200_000)));
    }

    /// <summary>Aim: awaiting what is there costs nothing. Method: against a method with the same locals that does not get to
    /// its await, for a debug build allocates the state of every method.</summary>
    [TestMethod]
    public void Await_OfAFiredDeferred_AllocatesTheMethodsOwnOnly()
    {
        static async Deferred<int> Method(Deferred<int> inner, bool awaits) => awaits ? await inner + 1 : 1;
        Deferred<int> inner = Deferred.Succeed(1);
        long without = Allocated(() => { _ = Method(inner, awaits: false); });
        Assert.AreEqual(without, Allocated(() => { _ = Method(inner, awaits: true); }));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int ThrowHere() => throw new NotSupportedException();
}
