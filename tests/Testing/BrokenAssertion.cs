using System.Diagnostics;

namespace Poetry.Tests.Testing;

/// <summary>A broken assertion of the product fails the test that found it; by default it would end the process.</summary>
internal sealed class BrokenAssertion : TraceListener
{
    public override void Fail(string? message, string? detailMessage) =>
        throw new AssertFailedException($"an assertion of the product: {message} {detailMessage}");

    public override void Write(string? message)
    {
    }

    public override void WriteLine(string? message)
    {
    }
}
