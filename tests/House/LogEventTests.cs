using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Poetry.Tests.House;

/// <summary>Every log record of the program has an event, and docs/log-events.md lists them all.</summary>
[TestClass]
public sealed partial class LogEventTests
{
    private const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Fields that every JSON record has: no value of a message may be called so.</summary>
    private static readonly string[] ReservedFields = ["time", "level", "event", "message", "exception"];

    private static readonly Type[] Types = typeof(Poetry.Net.Reactor).Assembly.GetTypes();

    private static readonly LoggerMessageAttribute[] Messages =
    [
        .. from type in Types
           from method in type.GetMethods(All | BindingFlags.DeclaredOnly)
           let message = method.GetCustomAttribute<LoggerMessageAttribute>()
           where message is not null
           select message,
    ];

    /// <summary>Events of records that are not made by LoggerMessage.</summary>
    private static readonly EventId[] OtherEvents =
    [
        .. from type in Types
           where !type.ContainsGenericParameters
           from field in type.GetFields(All | BindingFlags.DeclaredOnly)
           where field.IsStatic && field.FieldType == typeof(EventId) && !field.Name.Contains('<')
           select (EventId)field.GetValue(null)!,
    ];

    [TestMethod]
    public void EveryEvent_HasANumberAndASnakeCaseName()
    {
        RuleTests.AssertNone(from entry in Events()
                             where entry.Number <= 0 || !SnakeCase().IsMatch(entry.Name)
                             select $"{entry.Number} '{entry.Name}': say EventId = a number, EventName = \"words_like_this\"");
        Assert.IsGreaterThan(25, Messages.Length, "there is something to look at");
        Assert.IsGreaterThan(2, OtherEvents.Length, "there is something to look at");
    }

    [TestMethod]
    public void NoTwoEvents_ShareANumberOrAName()
    {
        RuleTests.AssertNone(from entry in Events()
                             group entry by entry.Number into same
                             where same.Count() > 1
                             select $"{same.Key}: {string.Join(", ", same)}");
        RuleTests.AssertNone(from entry in Events()
                             group entry by entry.Name into same
                             where same.Count() > 1
                             select $"{same.Key}: {string.Join(", ", same)}");
    }

    [TestMethod]
    public void NoValueOfAMessage_HasTheNameOfAnotherField() =>
        RuleTests.AssertNone(from message in Messages
                             from Match value in Placeholder().Matches(message.Message)
                             where ReservedFields.Contains(value.Groups[1].Value.ToLowerInvariant()) || value.Groups[1].Length > 20
                             select $"{message.EventName}: {value}");

    [TestMethod]
    public void TheManual_ListsEveryEvent()
    {
        (int Number, string Name, string Level, string Message)[] rows =
        [
            .. from line in File.ReadAllLines(Path.Combine(Source.Root, "docs", "log-events.md"))
               let row = Row().Match(line)
               where row.Success
               select (int.Parse(row.Groups[1].ValueSpan, null), row.Groups[2].Value, row.Groups[3].Value, row.Groups[4].Value),
        ];
        (int Number, string Name)[] listed = [.. rows.Select(row => (row.Number, row.Name))];
        CollectionAssert.AreEquivalent(Events().ToArray(), listed);
        CollectionAssert.AreEqual(listed.Order().ToArray(), listed, "in the order of the numbers");
        RuleTests.AssertNone(from message in Messages
                             let row = rows.Single(row => row.Number == message.EventId)
                             where row.Level != LevelName(message.Level) || row.Message != message.Message
                             select $"docs/log-events.md: {row.Name} is '{message.Message}' at {LevelName(message.Level)}");
    }

    private static IEnumerable<(int Number, string Name)> Events() =>
        Messages.Select(message => (message.EventId, message.EventName ?? string.Empty))
            .Concat(OtherEvents.Select(entry => (entry.Id, entry.Name ?? string.Empty)));

    private static string LevelName(LogLevel level) => level switch
    {
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => level.ToString().ToLowerInvariant(),
    };

    [GeneratedRegex("^[a-z]+(_[a-z]+)*$")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("""\{(\w+)""")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \| (\w+) \| `([^`]*)` \| .+ \|$")]
    private static partial Regex Row();
}
