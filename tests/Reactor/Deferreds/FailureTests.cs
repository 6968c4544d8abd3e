using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class FailureTests
{
    [TestMethod]
    public void Throw_KeepsTheStackOfTheFirstTime()
    {
        Failure failure = Caught();
        var again = Assert.ThrowsExactly<NotSupportedException>(failure.Throw);
        StringAssert.Contains(again.StackTrace, nameof(ThrowDeep));
    }

    /// <summary>Aim: a failure may be thrown again for years. Method: a thousand times, and its stack is no longer.</summary>
    [TestMethod]
    public void Throw_AgainAndAgain_DoesNotGrowTheStack()
    {
        Failure failure = Caught();
        int LengthOnce() => Assert.ThrowsExactly<NotSupportedException>(failure.Throw).StackTrace!.Length;
        int first = LengthOnce();
        for (int i = 0; i < 1000; i++)
        {
            _ = LengthOnce();
        }

        Assert.AreEqual(first, LengthOnce());
    }

    [TestMethod]
    public void Shared_MakesAFreshExceptionEachTime()
    {
        int made = 0;
        Failure failure = Failure.Shared(() => new TimeoutException($"number {made++}"));
        Assert.AreEqual(1, made);
        Exception asked = failure.Exception;
        Assert.AreNotSame(asked, failure.Exception);
        Exception one = Assert.ThrowsExactly<TimeoutException>(failure.Throw);
        Assert.AreNotSame(one, Assert.ThrowsExactly<TimeoutException>(failure.Throw));
    }

    [TestMethod]
    public void Shared_CheckedAndHandedOn_MakesNothing()
    {
        int made = 0;
        Failure failure = Failure.Shared(() => new TimeoutException($"number {made++}"));
        Assert.IsTrue(failure.Check<TimeoutException>());
        Assert.IsTrue(failure.Check<SystemException>());
        Assert.IsFalse(failure.Check<ArgumentException>());
        var deferred = new Deferred<int>();
        deferred.AddErrback(static _ => 1);
        Assert.AreEqual(0, DeferredTests.Allocated(() => deferred.Errback(failure), warm: false));
        Assert.AreEqual(1, made);
    }

    [TestMethod]
    public void Trap_OfItsKind_GivesTheException()
    {
        var exception = new TimeoutException();
        Assert.AreSame(exception, new Failure(exception).Trap<SystemException>());
        Assert.ThrowsExactly<TimeoutException>(() => new Failure(exception).Trap<ArgumentException>());
    }

    private static Failure Caught()
    {
        try
        {
            ThrowDeep();
            throw new InvalidOperationException("not reached");
        }
        catch (NotSupportedException exception)
        {
            return new Failure(exception);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowDeep() => throw new NotSupportedException();
}
