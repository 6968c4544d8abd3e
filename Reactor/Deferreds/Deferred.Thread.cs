using System;
using System.Diagnostics;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// The thread rule, checked in debug builds only: a deferred is used on the thread of the reactor that was running where it
/// was used first. A release build pays nothing for it.
/// </summary>
public abstract partial class Deferred
{
    /// <summary>One pause; the bits from here up count them. The six bits below are the number of a thread.</summary>
    private protected const int OnePause = OneThread << 6;

    private const int OneThread = 1 << 15;

    /// <summary>1 for the number of a thread that runs a reactor.</summary>
    private static readonly int[] Runs = new int[OnePause / OneThread];
    private static int _lastNumber;

    [ThreadStatic]
    private static int _number;

    [ThreadStatic]
    private static int _reactors;

    /// <summary>A reactor starts to run on this thread.</summary>
    [Conditional("DEBUG")]
    internal static void EnterLoop()
    {
        if (_reactors++ == 0)
        {
            // The number that has been free for longest: deferreds may still hold it. 0 is none, and nothing is checked.
            int number = 1 + (int)((uint)Interlocked.Increment(ref _lastNumber) % (Runs.Length - 1));
            _number = Interlocked.Exchange(ref Runs[number], 1) == 0 ? number : 0;
        }
    }

    /// <summary>A reactor has ended on this thread.</summary>
    [Conditional("DEBUG")]
    internal static void LeaveLoop()
    {
        if (--_reactors == 0)
        {
            Volatile.Write(ref Runs[_number], 0);
            _number = 0;
        }
    }

    /// <summary>Asserts that this is the thread of the deferred's reactor.</summary>
    [Conditional("DEBUG")]
    private protected void AssertThread()
    {
        int number = (_state & (OnePause - OneThread)) / OneThread;
        if (number == 0)
        {
            _state |= _number * OneThread;
        }

        Debug.Assert(
            number == _number || Volatile.Read(ref Runs[number]) == 0,
            "a deferred was used on a thread that is not its reactor's: use CallFromThread or DeferredBridges");
    }
}
