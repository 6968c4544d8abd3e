using System.Globalization;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Tutorial;

/// <summary>
/// The small programs of the Twisted tutorial, retold in C#: each method is one of them, named after the script, and ends
/// with the lines that it prints. Paragraphs of explanation that the scripts print are left out, and a failure prints as the
/// name and message of its exception. What the scripts do to a reactor, these do to a clock that is turned by hand.
/// </summary>
public abstract class TutorialExample
{
    private readonly List<string> _lines = [];

    /// <summary>The time, for the examples that wait.</summary>
    private protected ManualClock Clock { get; } = new();

    private protected void Print(string line) => _lines.Add(line);

    private protected void Print(int number) => Print(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Prints a failure as these examples do.</summary>
    private protected static string Show(Failure failure) => $"{failure.ExceptionType.Name}: {failure.Message}";

    /// <summary>Prints the result of a list, as pairs of whether it succeeded and with what.</summary>
    private protected static string Show<T>(IEnumerable<Outcome<T>> results) => $"[{string.Join(", ", results.Select(outcome =>
        outcome.Succeeded ? $"(True, {outcome.Value})" : $"(False, {Show(outcome.Failure)})"))}]";

    /// <summary>Compares what was printed.</summary>
    private protected void Expect(params string[] lines) => CollectionAssert.AreEqual(lines, _lines, string.Join("\n", _lines));

    /// <summary>What a script prints at its end about unhandled errors.</summary>
    private protected void PrintUnhandled()
    {
        foreach (Failure failure in LostFailures.Take())
        {
            Print("Unhandled error in Deferred:");
            Print(Show(failure));
        }
    }

    /// <summary>Fires or fails a deferred that has fired already.</summary>
    private protected void PrintThrown(Action action)
    {
        try
        {
            action();
            Print("Finished");
        }
        catch (AlreadyCalledError)
        {
            Print("AlreadyCalledError");
        }
    }
}
