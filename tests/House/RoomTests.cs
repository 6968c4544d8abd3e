using System.Text.RegularExpressions;

namespace Poetry.Tests.House;

/// <summary>
/// The rooms (folders) of the product, and which of them use which. Aim: the dependencies stay as they are drawn, although
/// rooms share namespaces and the compiler can't tell. Method: a room uses another if its code names a type that is declared
/// there.
/// </summary>
[TestClass]
public sealed partial class RoomTests
{
    /// <summary>Rooms that may use each other. Every other cycle is an error.</summary>
    private static readonly string[][] KnownCycles =
    [
        ["Reactor", "Reactor/Transports"],
        ["Commands", "Commands/CommandLine", "Commands/Downloads", "Commands/Log", "Commands/Servers"],
    ];

    public TestContext TestContext { get; set; } = null!;

    /// <summary>Native is signatures, structs and constants: the engine uses it, and it uses nothing of the engine.</summary>
    [TestMethod]
    public void Native_NamesNoTypeThatIsDeclaredElsewhere()
    {
        RuleTests.AssertNone(TypesFromOutside(Source.Product, "Reactor/Native"));
    }

    [TestMethod]
    public void Native_HasNoCodeThatDecides()
    {
        RuleTests.AssertNone(from source in Source.Product
                             where source.IsIn("Reactor/Native")
                             from word in new[] { "=>", "if (", "switch", "return ", "for (", "while (", "?" }
                             from place in source.Find(word)
                             select $"{place}: '{word}' belongs to the floor above");
    }

    /// <summary>The test above finds what it looks for: a type that a nested namespace sees without naming its parent.</summary>
    [TestMethod]
    [DataRow("public static Errno Last();", 1)]
    [DataRow("public static int Last(Kind kind);", 1)]
    [DataRow("public static int LastErrno(int Errnos);", 0, DisplayName = "part of a word")]
    [DataRow("// an Errno", 0, DisplayName = "a comment")]
    [DataRow("public struct Inner { }", 0, DisplayName = "a nested type of another file")]
    public void TypesFromOutside_AreFound(string code, int count)
    {
        Source[] sources =
        [
            new Source(
                "Reactor/Platform/Errno.cs",
                "public enum Errno\n{\n    private struct Inner { }\n}\ninternal readonly record struct Kind;"),
            new Source("Reactor/Native/Abi.cs", $"internal static class Abi\n{{\n    {code}\n}}"),
        ];
        Assert.HasCount(count, TypesFromOutside(sources, "Reactor/Native"));
    }

    [TestMethod]
    public void Rooms_HaveNoNewCycle()
    {
        Dictionary<string, SortedSet<string>> uses = Graph(Source.Product);
        foreach ((string room, SortedSet<string> used) in uses.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            TestContext.WriteLine($"{room} -> {string.Join(", ", used)}");
        }

        Assert.IsGreaterThan(10, uses.Count, "there are rooms to look at");
        RuleTests.AssertNone(from room in uses.Keys
                             from other in uses[room]
                             where IsReachable(uses, other, room)
                             where !KnownCycles.Any(known => known.Contains(room) && known.Contains(other))
                             select $"{room} uses {other}, which leads back to {room}");
        RuleTests.AssertNone(from known in KnownCycles
                             from room in known
                             where !known.Any(other => other != room && IsReachable(uses, room, other) && IsReachable(uses, other, room))
                             select $"{room} is in no cycle any more");
    }

    /// <summary>What a newcomer sees first is short.</summary>
    [TestMethod]
    public void Reactor_HasAtMostSixteenFilesOnTop()
    {
        Assert.IsLessThanOrEqualTo(16, Source.Product.Count(source => RoomOf(source) == "Reactor"));
    }

    [TestMethod]
    public void IsReachable_FollowsTheGraph()
    {
        Dictionary<string, SortedSet<string>> uses = Graph(
        [
            new Source("A/a.cs", "class One\n{\n    Two two;\n}"),
            new Source("B/b.cs", "class Two\n{\n    Three three;\n}"),
            new Source("C/c.cs", "class Three\n{\n}"),
        ]);
        Assert.IsTrue(IsReachable(uses, "A", "C"));
        Assert.IsFalse(IsReachable(uses, "C", "A"));
    }

    private static string[] TypesFromOutside(IEnumerable<Source> sources, string folder)
    {
        Source[] all = [.. sources];
        string[] outside = [.. from source in all where !source.IsIn(folder) from type in TypesOf(source) select type];
        return [.. from source in all
                   where source.IsIn(folder)
                   from word in WordsOf(source)
                   where outside.Contains(word)
                   select $"{source.Path}: {word} is declared outside {folder}"];
    }

    private static Dictionary<string, SortedSet<string>> Graph(IEnumerable<Source> sources)
    {
        Source[] all = [.. sources];
        var rooms = new Dictionary<string, string>();
        foreach (Source source in all)
        {
            foreach (string type in TypesOf(source))
            {
                rooms[type] = RoomOf(source);
            }
        }

        var uses = new Dictionary<string, SortedSet<string>>();
        foreach (Source source in all)
        {
            string room = RoomOf(source);
            _ = uses.TryAdd(room, new SortedSet<string>(StringComparer.Ordinal));
            uses[room].UnionWith(from word in WordsOf(source)
                                 where rooms.ContainsKey(word) && rooms[word] != room
                                 select rooms[word]);
        }

        return uses;
    }

    private static bool IsReachable(Dictionary<string, SortedSet<string>> uses, string from, string to)
    {
        var seen = new HashSet<string>();
        var left = new Stack<string>([from]);
        while (left.TryPop(out string? room))
        {
            if (room == to)
            {
                return true;
            }

            if (seen.Add(room) && uses.TryGetValue(room, out SortedSet<string>? used))
            {
                foreach (string next in used)
                {
                    left.Push(next);
                }
            }
        }

        return false;
    }

    private static string RoomOf(Source source) => source.Path.Contains('/', StringComparison.Ordinal)
        ? source.Path[..source.Path.LastIndexOf('/')]
        : "Program";

    private static IEnumerable<string> WordsOf(Source source) =>
        Word().Matches(source.Code).Select(match => match.Value).Distinct();

    private static IEnumerable<string> TypesOf(Source source) =>
        Declaration().Matches(source.Code).Select(match => match.Groups[1].Value + match.Groups[2].Value);

    [GeneratedRegex("""\b[A-Z]\w*""")]
    private static partial Regex Word();

    /// <summary>A type that is not within another: its declaration begins in the first column.</summary>
    [GeneratedRegex(
        """^(?:\w+ )*(?:(?:class|struct|interface|enum|record|record struct|record class) (\w+)|delegate [^\n(]*?(\w+)(?:<[^\n(]*>)?\()""",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
