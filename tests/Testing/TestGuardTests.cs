using System.Text;
using System.Text.RegularExpressions;

namespace Poetry.Tests.Testing;

/// <summary>The guard around every test, tried on tests that are made to fail by it, in a process of their own.</summary>
[TestClass]
public sealed partial class TestGuardTests
{
    /// <summary>How each sacrificial test is to fail, and how often it is run.</summary>
    private static readonly (string Test, int Times, string Says)[] Expected =
    [
        (nameof(SacrificialTests.LosesAFailure), 10, "a failure that nothing handled"),
        (nameof(SacrificialTests.LosesAFailureUnderATimeout), 10, "a failure that nothing handled"),
        (nameof(SacrificialTests.LosesAFailureOfADeferredThatIsKept), 10, "a failure that nothing handled"),
        (nameof(SacrificialTests.LosesAFailureOnAThreadOfItsOwn), 10, "a failure that nothing handled"),
        (nameof(SacrificialTests.LosesAFailureAfterAwaiting), 10, "a failure that nothing handled"),
        (nameof(SacrificialTests.LosesAFailureInAReactor), 1, "a failure that nothing handled in a reactor"),
        (nameof(SacrificialTests.LeavesADelayedCallOnAClock), 1, "1 delayed call"),
        (nameof(SacrificialTests.LeavesADelayedCallOnAReactor), 1, "1 delayed call"),
        (nameof(SacrificialTests.LeavesADescriptor), 1, "poetry.csproj"),
        (nameof(SacrificialTests.LeavesAListeningPort), 1, "which listens on port"),
        (nameof(SacrificialTests.LeavesAReactor), 1, "descriptor"),
        (nameof(SacrificialTests.LeavesAThread), 1, "left behind"),
        (nameof(SacrificialTests.LeavesAProcess), 1, "sleep"),
        (nameof(SacrificialTests.BreaksAnAssertion), 1, "an assertion of the product: of the product"),
    ];

    [TestMethod]
    public void EveryTestThatDoesSomethingWrong_FailsEveryTime()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("descriptors, threads and children are listed in /proc");
        }

        string[] command =
        [
            Environment.ProcessPath!, "--filter", $"TestCategory={SacrificialTests.Category}",
            "--progress", "off", "--output", "detailed", "--ansi", "off",
        ];
        Environment.SetEnvironmentVariable(Leftovers.PatienceVariable, "100");
        Finished run = ToolRun.Run(Repository.Root, 5 * Patience.Milliseconds, command);
        Environment.SetEnvironmentVariable(Leftovers.PatienceVariable, null);
        string output = Encoding.UTF8.GetString(run.Bytes);
        Dictionary<string, string[]> failures = Reports(output, "failed ");
        foreach ((string test, int times, string says) in Expected)
        {
            string[] reports = failures.GetValueOrDefault(test) ?? [];
            Assert.HasCount(times, reports, $"{test}: {output}");
            Assert.IsTrue(reports.All(report => report.Contains(says, StringComparison.Ordinal)), $"{test}: {string.Join('\n', reports)}");
        }

        Assert.HasCount(Expected.Length, failures, output);
        Assert.HasCount(1, Reports(output, "passed "), output);
        Assert.AreEqual(2, run.ExitCode, "the exit code of a run with failures");
    }

    /// <summary>What the runner says of each test that failed or passed, by the test's name without its arguments.</summary>
    private static Dictionary<string, string[]> Reports(string output, string outcome) =>
        OutcomeLine().Split(output)
            .Where(report => report.StartsWith(outcome, StringComparison.Ordinal))
            .GroupBy(report => report[outcome.Length..].Split(' ')[0])
            .ToDictionary(group => group.Key, group => group.ToArray());

    [GeneratedRegex("^(?=(?:failed|passed|skipped) )|^(?=Test run summary)", RegexOptions.Multiline)]
    private static partial Regex OutcomeLine();
}
