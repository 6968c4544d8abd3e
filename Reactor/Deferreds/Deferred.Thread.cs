using System.Diagnostics;

namespace Poetry.Net;

/// <content>
/// The thread rule: a deferred is used only on the thread where it was first used while a reactor was running there. Checked
/// in debug builds only; it costs nothing in a release build.
/// </content>
public abstract partial class Deferred
{
    /// <summary>One pause; the bits from here up count the pauses. In a debug build the six bits below are the number of a
    /// thread.</summary>
#if DEBUG
    private protected const int OnePause = OneThread << 6;
#else
    private protected const int OnePause = OneThread;
#endif

    private const int OneThread = 1 << 15;

    /// <summary>1 at the index of each thread number that is in use: that thread runs a reactor.</summary>
    private static readonly int[] Runs = new int[OnePause / OneThread];
    private static int _lastNumber;

    [ThreadStatic]
    private static int _number;

    [ThreadStatic]
    private static int _reactors;

    /// <summary>Called when a reactor starts to run on this thread.</summary>
    [Conditional("DEBUG")]
    internal static void EnterLoop()
    {
        if (_reactors++ == 0)
        {
            // Numbers are used in turn, because deferreds may still hold one that was freed recently. 0 means no number:
            // nothing is checked.
            int number = 1 + (int)((uint)Interlocked.Increment(ref _lastNumber) % (Runs.Length - 1));
            _number = Interlocked.Exchange(ref Runs[number], 1) == 0 ? number : 0;
        }
    }

    /// <summary>Called when a reactor has ended on this thread.</summary>
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
