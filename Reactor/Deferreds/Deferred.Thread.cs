using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
#if DEBUG
using System;
using System.Threading;
#endif

namespace Poetry.Net;

/// <summary>
/// The thread rule, checked in debug builds only: a deferred is used on the thread of the reactor that was running where it
/// was used first. A release build pays nothing for it.
/// </summary>
public abstract partial class Deferred
{
#if DEBUG
    /// <summary>One pause; the bits from here up count them. The eight bits below are the number of a thread.</summary>
    private protected const int OnePause = OneThread << 8;

    private const int OneThread = 1 << 15;

    /// <summary>The threads that run a reactor, by number; 0 is none.</summary>
    private static readonly Thread?[] Threads = new Thread?[OnePause / OneThread];
    private static int _lastNumber;

    [ThreadStatic]
    private static int _number;

    [ThreadStatic]
    private static int _reactors;
#else
    /// <summary>One pause; the bits from here up count them.</summary>
    private protected const int OnePause = 1 << 15;
#endif

    /// <summary>A reactor starts to run on this thread.</summary>
    [Conditional("DEBUG")]
    internal static void EnterLoop()
    {
#if DEBUG
        if (_reactors++ > 0)
        {
            return;
        }

        lock (Threads)
        {
            // The number that has been free for longest: deferreds may still hold it. With none free, nothing is checked.
            for (int tried = 1; tried < Threads.Length && _number == 0; tried++)
            {
                _lastNumber = (_lastNumber % (Threads.Length - 1)) + 1;
                _number = Threads[_lastNumber] is null ? _lastNumber : 0;
            }

            Threads[_number] = _number == 0 ? null : Thread.CurrentThread;
        }
#endif
    }

    /// <summary>A reactor has ended on this thread.</summary>
    [Conditional("DEBUG")]
    internal static void LeaveLoop()
    {
#if DEBUG
        if (--_reactors == 0)
        {
            Volatile.Write(ref Threads[_number], null);
            _number = 0;
        }
#endif
    }

    /// <summary>Asserts that this is the thread of the deferred's reactor.</summary>
    [Conditional("DEBUG")]
    [SuppressMessage("Performance", "CA1822", Justification = "A debug build reads the state.")]
    private protected void AssertThread()
    {
#if DEBUG
        int number = (_state & (OnePause - OneThread)) / OneThread;
        if (number == 0)
        {
            _state |= _number * OneThread;
        }

        Debug.Assert(
            number == _number || Volatile.Read(ref Threads[number]) is null,
            "a deferred was used on a thread that is not its reactor's: use CallFromThread or DeferredBridges");
#endif
    }
}
