using System.Diagnostics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Poetry.Tests.Testing;

/// <summary>
/// An assertion of the product that does not hold fails the test that found it, and leaves the others to run; by default it
/// would end the process.
/// </summary>
[TestClass]
public sealed class BrokenAssertion : TraceListener
{
    [AssemblyInitialize]
    public static void Listen(TestContext context)
    {
        Trace.Listeners.Clear();
        _ = Trace.Listeners.Add(new BrokenAssertion());
    }

    public override void Fail(string? message, string? detailMessage) =>
        throw new AssertFailedException($"an assertion of the product: {message} {detailMessage}");

    public override void Write(string? message)
    {
    }

    public override void WriteLine(string? message)
    {
    }
}
