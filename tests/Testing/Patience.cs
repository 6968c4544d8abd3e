namespace Poetry.Tests.Testing;

/// <summary>
/// How long a test waits for an event that must come. It is no measure of anything: it only makes a hang a failure, and is
/// long enough for a machine that is busy with something else.
/// </summary>
internal static class Patience
{
    public const int Milliseconds = 30_000;
}
