using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>twisted-deferred/failure-examples: an exception as a value. What it knows of where it came from is what the
/// exception knows: one that was only made has no stack, one that was caught has that of the throw.</summary>
[TestClass]
public sealed class FailureExamples : TutorialExample
{
    [TestMethod]
    public void FailureExamples_MadeOrCaught()
    {
        PrintFailure("made:", new Failure(new InvalidOperationException("a failure")));
        try
        {
            Fall();
        }
        catch (IOException exception)
        {
            PrintFailure("caught:", new Failure(exception));
        }

        Expect(
            "made:", "InvalidOperationException: a failure", "it was thrown nowhere",
            "caught:", "IOException: it fell", "it was thrown in Fall");
    }

    /// <summary>The errback sees where the callback threw, long after both have returned.</summary>
    [TestMethod]
    public void FailureExamples_ThrownInAChain()
    {
        var d = new Deferred<string>();
        d.AddCallback(_ => Fall());
        d.Callback("result");
        Print("the callback has thrown");
        d.AddErrback(failure => PrintFailure("errback got:", failure));
        Expect("the callback has thrown", "errback got:", "IOException: it fell", "it was thrown in Fall");
    }

    /// <summary>Throwing it again adds places to its stack and takes none away.</summary>
    [TestMethod]
    public void FailureExamples_ThrownAgain()
    {
        Deferred<string> d = Deferred.MaybeDeferred<string>(() =>
        {
            Fall();
            return "not reached";
        });
        d.AddErrback(failure =>
        {
            failure.Trap<IOException>();
            Print("it is one of ours");
            failure.Throw();
        });
        d.AddErrback(failure => PrintFailure("the next errback got:", failure));
        Expect("it is one of ours", "the next errback got:", "IOException: it fell", "it was thrown in Fall");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fall() => throw new IOException("it fell");

    private void PrintFailure(string what, Failure failure)
    {
        Print(what);
        Print(Show(failure));
        string? stack = failure.Exception.StackTrace;
        if (stack is null)
        {
            Print("it was thrown nowhere");
        }
        else
        {
            StringAssert.Contains(stack.Split('\n')[0], nameof(Fall));
            Print($"it was thrown in {nameof(Fall)}");
        }
    }
}
