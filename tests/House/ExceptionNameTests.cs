using Poetry.Net;

namespace Poetry.Tests.House;

/// <summary>
/// One naming scheme for exceptions: Twisted's name where Twisted has one, and a name that ends in <c>Error</c> otherwise.
/// A reader of Twisted's manual finds each of them, and <c>catch</c> clauses read alike.
/// </summary>
[TestClass]
public sealed class ExceptionNameTests
{
    /// <summary>Twisted's names that do not end in Error, and our member of the family of ConnectionDone.</summary>
    private static readonly string[] Others =
    [
        "AlreadyCalled", "AlreadyCancelled", "ConnectionAborted", "ConnectionClosed", "ConnectionDone", "ConnectionLost",
        "ConnectionTimedOut", "FailureGroup", "QueueOverflow", "QueueUnderflow", "ReactorNotRunning",
    ];

    [TestMethod]
    public void Exceptions_HaveTwistedsNames_OrEndInError()
    {
        string[] wrong =
        [
            .. typeof(Deferred).Assembly.GetTypes()
                .Where(type => type.IsSubclassOf(typeof(Exception)) && type.Namespace!.StartsWith("Poetry", StringComparison.Ordinal))
                .Select(type => type.Name)
                .Where(name => !name.EndsWith("Error", StringComparison.Ordinal) && !Others.Contains(name)),
        ];
        Assert.IsEmpty(wrong, string.Join(", ", wrong));
    }
}
