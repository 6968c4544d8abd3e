using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The alert rules and the dashboard: Prometheus understands them, and every metric in them exists.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed partial class DeployMonitoringTests : NativeTests
{
    [TestMethod]
    public void AlertRules_AreUnderstood_AndFireWhenTheyShould()
    {
        string promtool = Posix.Tool("promtool");
        AssertPasses(promtool, "check", "rules", DeployTests.Recipe("alerts.yml"));
        AssertPasses(promtool, "test", "rules", DeployTests.Recipe("alerts-test.yml"));
    }

    /// <summary>A dashboard has variables where PromQL has texts and durations.</summary>
    [TestMethod]
    public void Dashboard_HasQueriesThatPrometheusUnderstands()
    {
        string promtool = Posix.Tool("promtool");
        string[] queries = Queries();
        var rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        for (int i = 0; i < queries.Length; i++)
        {
            string query = queries[i].Replace("$__rate_interval", "1m", StringComparison.Ordinal);
            _ = rules.Append(CultureInfo.InvariantCulture, $"  - record: query:{i}\n    expr: {JsonSerializer.Serialize(query)}\n");
        }

        _ = Folder.Write("rules.yml", rules.ToString());
        AssertPasses(promtool, "check", "rules", Folder["rules.yml"]);
    }

    [TestMethod]
    public void Dashboard_HasPanelsThatDoNotOverlap()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(DeployTests.Recipe("dashboard.json")));
        JsonElement[] panels = [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()];
        Assert.HasCount(panels.Length, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct());
        Assert.HasCount(panels.Length, panels.Select(panel => panel.GetProperty("title").GetString()).Distinct());
        (int X, int Y)[] places =
        [
            .. from panel in panels
               let place = panel.GetProperty("gridPos")
               from x in Enumerable.Range(place.GetProperty("x").GetInt32(), place.GetProperty("w").GetInt32())
               from y in Enumerable.Range(place.GetProperty("y").GetInt32(), place.GetProperty("h").GetInt32())
               select (x, y),
        ];
        Assert.HasCount(places.Length, places.Distinct());
        Assert.IsLessThan(24, places.Max(place => place.X));
    }

    /// <summary>Names and labels of both files are those of the page of a proxy, which has all metrics.</summary>
    [TestMethod]
    public void EveryMetric_ThatTheRecipesName_IsOneThatAServerHas()
    {
        NativeBinary proxy = Start(new Launch("proxy", "--metrics", "unix:metrics.sock", "--shared-cache", "unix:none.sock", "1"));
        _ = proxy.Output.WaitForLines(1);
        HttpAnswer page = HttpAnswer.Get(Folder["metrics.sock"], "/metrics");
        string[] samples = [.. page.Body.Split('\n').Where(line => line.StartsWith("poetry_", StringComparison.Ordinal))];
        string[] there = [.. samples.Select(line => line.Split(' ', '{')[0]).Distinct()];
        string[] labels = ["instance", .. samples.SelectMany(line => Label().Matches(line)).Select(match => match.Groups[1].Value).Distinct()];
        string rules = File.ReadAllText(DeployTests.Recipe("alerts.yml"));
        string[] named = [.. Metric().Matches(rules + string.Join('\n', Queries())).Select(match => match.Value).Distinct()];
        CollectionAssert.IsSubsetOf(named, there);
        string[] shown = [.. LabelInText().Matches(rules).Select(match => match.Groups[1].Value).Distinct()];
        CollectionAssert.IsSubsetOf(shown, labels);
        foreach (Match outcomes in Outcomes().Matches(rules))
        {
            foreach (string outcome in outcomes.Groups[1].Value.Split('|'))
            {
                Assert.Contains($"outcome=\"{outcome}\"", page.Body);
            }
        }

        Assert.IsGreaterThan(15, named.Length);
    }

    private static string[] Queries()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(DeployTests.Recipe("dashboard.json")));
        IEnumerable<JsonElement> targets = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray());
        return [.. targets.Select(target => target.GetProperty("expr").GetString()!)];
    }

    private void AssertPasses(params string[] command)
    {
        Finished finished = ToolRun.Run(Folder.Path, command);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors + Encoding.UTF8.GetString(finished.Bytes));
    }

    [GeneratedRegex("""poetry_[a-z_]+""")]
    private static partial Regex Metric();

    [GeneratedRegex("""[{,]([a-z]+)=""")]
    private static partial Regex Label();

    [GeneratedRegex("""\$labels\.([a-z]+)""")]
    private static partial Regex LabelInText();

    [GeneratedRegex("outcome=~\"([^\"]+)\"")]
    private static partial Regex Outcomes();
}
