using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// The thread rule, checked in debug builds only: a deferred is used on the thread of the reactor that was running where it
/// was used first.
/// </summary>
public abstract partial class Deferred
{
#if DEBUG
    /// <summary>One pause; the bits from here up count them. The eight bits below are the number of the owner.</summary>
    private protected const int OnePause = OneOwner << 8;

    private const int OneOwner = 1 << 15;

    private const int OwnerBits = OnePause - OneOwner;
#else
    /// <summary>One pause; the bits from here up count them.</summary>
    private protected const int OnePause = 1 << 15;
#endif

    /// <summary>Asserts that this is the thread of the deferred's reactor. A release build pays nothing for it.</summary>
    [Conditional("DEBUG")]
    [SuppressMessage("Performance", "CA1822", Justification = "A debug build reads the state.")]
    private protected void AssertThread()
    {
#if DEBUG
        int owner = (_state & OwnerBits) / OneOwner;
        if (owner == 0)
        {
            _state |= ThreadOwner.CurrentNumber * OneOwner;
        }

        Debug.Assert(
            !ThreadOwner.IsElsewhere(owner),
            "a deferred was used on a thread that is not its reactor's: use CallFromThread or DeferredBridges");
#endif
    }
}

/// <summary>
/// The threads that run a reactor, by number: for the assertion above. Numbers are used again, the longest unused first.
/// </summary>
internal static class ThreadOwner
{
    private const int MaxNumber = 255;

    private static readonly Thread?[] Threads = new Thread?[MaxNumber + 1];
    private static readonly Lock Gate = new();
    private static int _lastNumber;

    /// <summary>The number of the reactor that runs on this thread; 0 for none.</summary>
    [field: ThreadStatic]
    public static int CurrentNumber { get; private set; }

    /// <summary>True if the reactor with this number runs on another thread.</summary>
    public static bool IsElsewhere(int number) =>
        number != 0 && Volatile.Read(ref Threads[number]) is { } thread && thread != Thread.CurrentThread;

    /// <summary>A reactor starts to run on this thread.</summary>
    /// <returns>The number of the reactor that ran here until now, to be given to <see cref="Leave"/>.</returns>
    public static int Enter()
    {
        int outer = CurrentNumber;
        lock (Gate)
        {
            for (int tried = 0; tried < MaxNumber && (tried == 0 || Threads[_lastNumber] is not null); tried++)
            {
                _lastNumber = (_lastNumber % MaxNumber) + 1;
            }

            CurrentNumber = Threads[_lastNumber] is null ? _lastNumber : 0;
            Volatile.Write(ref Threads[CurrentNumber], Thread.CurrentThread);
        }

        return outer;
    }

    /// <summary>The reactor of this thread has ended.</summary>
    public static void Leave(int outer)
    {
        Volatile.Write(ref Threads[CurrentNumber], null);
        CurrentNumber = outer;
    }
}
