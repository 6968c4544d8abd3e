using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>
/// twisted-deferred/deferred-simulator: reads a chain and draws how it fires. A line of the script is a pair of callback and
/// errback, each of which returns something, fails with something or passes on what it got. The picture has a star where the
/// chain went, and at the end of the line what came of it: a failure has an exclamation mark.
/// </summary>
[TestClass]
public sealed class SimulatorExamples : TutorialExample
{
    [TestMethod]
    public void DeferredSimulator_Success()
    {
        Simulate(
            d => d.Callback("poem"),
            "return stanza | passthru",
            "fail oops     | return unused",
            "return unused | passthru",
            "passthru      | return sorry",
            "passthru      | fail unused");
        Expect(
            "                                      -> poem",
            "[* return stanza ] [  passthru      ] -> stanza",
            "[* fail oops     ] [  return unused ] -> oops!",
            "[  return unused ] [* passthru      ] -> oops!",
            "[  passthru      ] [* return sorry  ] -> sorry",
            "[* passthru      ] [  fail unused   ] -> sorry");
    }

    [TestMethod]
    public void DeferredSimulator_Failure_IsUnhandled()
    {
        Simulate(
            d => d.Errback(new InvalidOperationException("no poem")),
            "return stanza | fail worse",
            "return unused | passthru");
        PrintUnhandled();
        Expect(
            "                                      -> no poem!",
            "[  return stanza ] [* fail worse    ] -> worse!",
            "[  return unused ] [* passthru      ] -> worse!",
            "Unhandled error in Deferred:", "InvalidOperationException: worse");
    }

    /// <summary>A callback that fails does not call the errback beside it, but the next one.</summary>
    [TestMethod]
    public void DeferredSimulator_APairIsAFork()
    {
        Simulate(d => d.Callback("poem"), "fail oops | return beside", "passthru | return below");
        Expect(
            "                                      -> poem",
            "[* fail oops     ] [  return beside ] -> oops!",
            "[  passthru      ] [* return below  ] -> below");
    }

    private void Simulate(Action<Deferred<string>> fire, params string[] script)
    {
        var d = new Deferred<string>();
        d.AddBoth(result => Draw(new string(' ', 37), result));
        foreach (string line in script)
        {
            string[] pair = line.Split('|', StringSplitOptions.TrimEntries);
            d.AddCallbacks(
                value => Draw($"[* {pair[0],-13} ] [  {pair[1],-13} ]", Play(pair[0], value)),
                failure => Draw($"[  {pair[0],-13} ] [* {pair[1],-13} ]", Play(pair[1], failure)));
        }

        fire(d);
    }

    private static Outcome<string> Play(string function, Outcome<string> got) => function.Split(' ', 2) switch
    {
        ["return", var value] => value,
        ["fail", var message] => new Failure(new InvalidOperationException(message)),
        ["passthru"] => got,
        _ => throw new KeyNotFoundException(function),
    };

    private Outcome<string> Draw(string pair, Outcome<string> result)
    {
        Print($"{pair} -> {result}{(result.Succeeded ? "" : "!")}");
        return result;
    }
}
