namespace Poetry.Tests.Testing;

/// <summary>A clock of the library that the guard of the tests knows: a test that leaves delayed calls on it fails.</summary>
internal sealed class ManualClock : global::Poetry.Net.Testing.ManualClock
{
    public ManualClock()
    {
        DelayedCallWatch.Watch(() => DelayedCallWatch.Left($"a ManualClock at {Now}, next due: {string.Join(", ", PendingDues)}", PendingCount));
    }
}
