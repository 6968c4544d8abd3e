namespace Poetry.Tests.House;

/// <summary>Commands → Protocols → Reactor → Native: a floor may look down, never up.</summary>
[TestClass]
public sealed class FloorTests
{
    /// <summary>Files outside Reactor/Native that may call the system: backends, sockets and files, behind one door each.</summary>
    private static readonly string[] SystemCallers =
    [
        "Reactor/Pollers/", "Reactor/Platform/",
    ];

    [TestMethod]
    [DataRow("Reactor/Native", "Poetry.Net.Native", new[] { "Poetry.Protocols", "Poetry.Commands" })]
    [DataRow("Reactor", "Poetry.Net", new[] { "Poetry.Protocols", "Poetry.Commands" })]
    [DataRow("Protocols", "Poetry.Protocols", new[] { "Poetry.Commands" })]
    public void AFloor_DoesNotLookUp(string folder, string floor, string[] above)
    {
        string[] looks = [.. from source in Source.Product
                             where source.IsIn(folder)
                             from name in above
                             from place in source.Find(name)
                             select $"{place}: {name} is above {floor}"];
        Assert.IsEmpty(looks, string.Join('\n', looks));
    }

    [TestMethod]
    public void EveryFile_IsInTheNamespaceOfItsFolder()
    {
        string[] strays = [.. from source in Source.All
                              where !source.IsIn("tests/Benchmarks")
                              where source.Path is not ("tests/Program.cs" or "tests/Testing/GlobalUsings.cs")
                              where !source.Code.Contains($"namespace {NamespaceOf(source)};", StringComparison.Ordinal)
                              select $"{source.Path}: not in {NamespaceOf(source)}"];
        Assert.IsEmpty(strays, string.Join('\n', strays));
    }

    [TestMethod]
    public void TheProduct_CallsTheSystemOnlyAtTheBottom()
    {
        string[] calls = [.. from source in Source.Product
                             where !source.IsIn("Reactor/Native") && !Array.Exists(SystemCallers, source.Path.StartsWith)
                             from call in new[] { "LibraryImport", "DllImport" }
                             from place in source.Find(call)
                             select $"{place}: {call} belongs into Reactor/Native"];
        Assert.IsEmpty(calls, string.Join('\n', calls));
    }

    /// <summary>A namespace Poetry.Reactor would hide the type Reactor in every sibling.</summary>
    [TestMethod]
    public void NoNamespace_HidesTheReactor()
    {
        IEnumerable<string> places = Source.All.SelectMany(source => source.Find("namespace Poetry.Reactor"));
        Assert.IsEmpty(places);
    }

    /// <summary>So that the tests above can't pass for want of anything to read.</summary>
    [TestMethod]
    public void TheSources_AreFound()
    {
        Assert.IsTrue(Source.Product.Any(source => source.Path == "Program.cs"), Source.Root);
        Assert.IsTrue(Source.Product.Any(source => source.IsIn("Reactor")), Source.Root);
        Assert.IsTrue(Source.All.Any(source => source.IsTest), Source.Root);
    }

    private static string NamespaceOf(Source source) => source.Path.Split('/')[..^1] switch
    {
        ["Reactor", "Native"] => "Poetry.Net.Native",
        ["Reactor", "Testing"] => "Poetry.Net.Testing",
        ["Reactor", ..] => "Poetry.Net",
        ["tests", "Reactor", ..] => "Poetry.Tests.Net",
        ["tests", var room, ..] => $"Poetry.Tests.{room}",
        [var floor, ..] => $"Poetry.{floor}",
        [] => "Poetry",
    };
}
