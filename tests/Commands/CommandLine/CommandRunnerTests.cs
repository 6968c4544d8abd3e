using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class CommandRunnerTests
{
    [TestMethod]
    [DataRow(null)]
    [DataRow("")]
    [DataRow("0")]
    public void Describe_WithoutDebug_IsOneLine(string? debug) =>
        Assert.AreEqual(
            "poetry: internal error: InvalidOperationException: bad\\x0Athing\n",
            CommandRunner.Describe(Thrown(), debug));

    [TestMethod]
    public void Describe_WithDebug_HasTheStack()
    {
        string[] lines = CommandRunner.Describe(Thrown(), "1").Split('\n');
        Assert.AreEqual("poetry: internal error: InvalidOperationException: bad\\x0Athing", lines[0]);
        Assert.IsTrue(lines.Any(line => line.Contains(nameof(Thrown), StringComparison.Ordinal)));
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("bad\nthing");
        }
        catch (InvalidOperationException exception)
        {
            return exception;
        }
    }
}
