using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>What tests read of the state of a deferred, and the product has no use for.</summary>
internal static class DeferredState
{
    /// <summary>True if it rests with a failure that no function has handled.</summary>
    public static bool HasUnhandledFailure(this Deferred deferred) =>
        (State(deferred) & Bits.FailedBit) != 0 && Aux(deferred) is RestingFailure;

    /// <summary>The deferred that it waits for, or null.</summary>
    public static Deferred? WaitsFor(this Deferred deferred) =>
        (State(deferred) & Bits.WaitingBit) != 0 ? (Deferred)Aux(deferred)! : null;

    /// <summary>The number of pauses that were not undone.</summary>
    public static int PauseCount(this Deferred deferred) => (State(deferred.Active()) & Bits.PauseBits) / Bits.PauseBit;

    /// <summary>True if it has handed its result over in the middle of its chain, and the loop has yet to come back.</summary>
    public static bool IsInterrupted(this Deferred deferred) =>
        Links(deferred) is not null && (State(deferred) & Bits.BusyBits) == Bits.FiredBit;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_state")]
    private static extern ref int State(Deferred deferred);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_aux")]
    private static extern ref object? Aux(Deferred deferred);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_links")]
    private static extern ref ChainLink? Links(Deferred deferred);

    private sealed class Bits : Deferred<int>
    {
        public const int FiredBit = Fired;
        public const int FailedBit = Failed;
        public const int WaitingBit = Waiting;
        public const int PauseBit = OnePause;
        public const int PauseBits = AnyPause;
        public const int BusyBits = Fired | Running | Waiting | Superseded | AnyPause;
    }
}
