using System.Text.RegularExpressions;

namespace Poetry.Tests.House;

/// <summary>Rules of the house that no compiler holds. Each says what to use instead.</summary>
[TestClass]
public sealed partial class RuleTests
{
    private const int LongestFile = 400;

    /// <summary>Editors wrap at 130 (.editorconfig); a few more are better than a worse break.</summary>
    private const int LongestLine = 145;

    private static readonly (string Call, string Instead)[] BannedInTheProduct =
    [
        ("Console.", "write(2) through the one door for output: Console swallows EPIPE and dies of a full disk"),
        ("System.Console", "write(2) through the one door for output: Console swallows EPIPE and dies of a full disk"),
        ("System.Security.Cryptography", "Sha256.cs, or Guid.NewGuid for random bits: it loads OpenSSL, or the process ends"),
        ("Thread.Sleep", "CallLater: a sleeping reactor serves no client"),
        ("Task.Run", "a Deferred, or CallFromThread from a thread of one's own"),
        ("Task.Delay", "CallLater"),
        ("ThreadPool.", "a Deferred, or CallFromThread from a thread of one's own"),
        ("DateTime.Now", "the reactor's clock for durations, DateTime.UtcNow for what is shown"),
        ("Environment.TickCount;", "the reactor's clock: 32 bits of milliseconds are negative after 24.9 days"),
        ("Environment.TickCount)", "the reactor's clock: 32 bits of milliseconds are negative after 24.9 days"),
        ("Environment.Exit", "an exit code returned by Main"),
        ("System.Linq", "a loop: it is read more easily than what it allocates is counted"),
        ("System.Text.RegularExpressions", "a parser of a few lines: the engine is half a megabyte"),
        ("System.Text.Json", "the writer of a few lines in the log: the library is larger than the program"),
        ("System.Security.Cryptography", "Guid for a random name: the library loads OpenSSL, which a container may not have"),
        ("System.Reflection", "nothing: the trimmer can't see through it"),
        (".GetAwaiter().GetResult()", "a callback"),
        ("Thread.Abort", "nothing"),
        ("GC.Collect(", "nothing: the collector knows"),
        ("new Socket(", "NativeSocket: Socket throws for the expected and reports other errors than the kernel's"),
        ("Process.Start", "nothing: a server starts no programs"),
    ];

    /// <summary>Where a banned call is right, and why.</summary>
    private static readonly (string Call, string File, string Why)[] Exceptions =
    [
        ("Thread.Sleep", "Protocols/Poems/PoemReader.cs", "a server that starts has no client yet"),
        ("Thread.Sleep", "Reactor/Pollers/WinsockSelectPoller.cs", "it is the backend's wait: select there refuses to wait for nothing"),
        ("GC.Collect(", "Reactor/Deferreds/UnhandledFailures.cs", "the ledger finds failures that nothing can handle any more"),
        ("Console.", "tests/Program.cs", "the replay of traces is a program, and its result is what it prints"),
        ("Console.", "tests/Benchmarks/Micro/Aot/Program.cs", "what a benchmark finds out is printed, not asserted"),
        ("Console.", "tests/Benchmarks/Micro/Jit/Program.cs", "what a benchmark finds out is printed, not asserted"),
        ("Task.Run", "Reactor/Deferreds/DeferredBridges.cs", "DeferToThread is the way to a thread, for code that needs one"),
    ];

    private static readonly (string Call, string Instead)[] BannedInTests =
    [
        ("Thread.Sleep", "an event to wait for"),
        ("Task.Delay", "an event to wait for, or a clock that is turned by hand"),
        ("new Random()", "a seed, which a failure can print"),
        ("Random.Shared", "a seed, which a failure can print"),
        ("DateTime.Now", "a clock that is turned by hand"),
        ("Console.", "an assertion's message"),
    ];

    [TestMethod]
    public void TheProduct_UsesNoBannedCall()
    {
        AssertNone(Uses(Source.Product, BannedInTheProduct));
    }

    [TestMethod]
    public void TheTests_UseNoBannedCall()
    {
        AssertNone(Uses(Source.All.Where(source => source.IsTest), BannedInTests));
    }

    /// <summary>One reactor, one thread: another comes in only in files whose doc comments say which, and where.</summary>
    [TestMethod]
    [DataRow("lock (")]
    [DataRow("Interlocked.")]
    [DataRow("volatile ")]
    [DataRow("Volatile.")]
    [DataRow("new Thread(")]
    [DataRow("Monitor.")]
    public void TheProduct_CrossesThreadsOnlyWhereItSaysSo(string word)
    {
        AssertNone(from source in Source.Product
                   where !SpeaksOfThreads().IsMatch(source.Text)
                   from place in source.Find(word)
                   select $"{place}: {word}, and no doc comment says which threads come here");
    }

    [TestMethod]
    public void NothingIsLeftToDo()
    {
        // Written so that this file does not find itself.
        string[] words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "Not" + "ImplementedException"];
        AssertNone(from source in Source.All
                   from line in Numbered(source)
                   from word in words
                   where line.Text.Contains(word, StringComparison.Ordinal)
                   select $"{source.Path}:{line.Number}: {word}");
    }

    /// <summary>A comment line that ends as code ends is code.</summary>
    [TestMethod]
    public void NoCode_IsCommentedOut()
    {
        AssertNone(from source in Source.All
                   from line in Numbered(source)
                   where CommentedCode().IsMatch(line.Text)
                   select $"{source.Path}:{line.Number}: {line.Text.Trim()}");
    }

    [TestMethod]
    public void AFile_FitsInAHead()
    {
        AssertNone(from source in Source.All
                   let count = source.Lines.Length
                   where count > LongestFile
                   select $"{source.Path}: {count} lines, {LongestFile} are enough: split it by concern");
    }

    [TestMethod]
    public void ALine_FitsOnAScreen()
    {
        AssertNone(from source in Source.All
                   from line in Numbered(source)
                   where line.Text.Length > LongestLine
                   select $"{source.Path}:{line.Number}: {line.Text.Length} characters, {LongestLine} are enough");
    }

    /// <summary>Warnings are switched off in .editorconfig, with a reason, or where they are, with a reason.</summary>
    [TestMethod]
    public void AWarning_IsNotSwitchedOffWithoutAReason()
    {
        AssertNone(from source in Source.All
                   from line in Numbered(source)
                   let text = line.Text
                   where text.Contains("#pragma warning " + "disable", StringComparison.Ordinal)
                   where !text.Contains("//", StringComparison.Ordinal)
                   select $"{source.Path}:{line.Number}: say why, in a comment on the line");
    }

    /// <summary>What works on one machine only is no part of the project.</summary>
    [TestMethod]
    public void NoPath_IsOfOneMachine()
    {
        AssertNone(from pattern in new[] { "*.cs", "*.md", "*.sh", "*.ps1", "*.csproj", "*.props", "run", "demo" }
                   from source in Source.Read(pattern)
                   from line in Numbered(source)
                   where MachinePath().IsMatch(line.Text)
                   select $"{source.Path}:{line.Number}: {line.Text.Trim()}");
    }

    private static IEnumerable<string> Uses(IEnumerable<Source> sources, (string Call, string Instead)[] banned) =>
        from source in sources
        from rule in banned
        where !Exceptions.Any(exception => exception.Call == rule.Call && exception.File == source.Path)
        from place in source.Find(rule.Call)
        select $"{place}: {rule.Call} is banned; use {rule.Instead}";

    private static IEnumerable<(int Number, string Text)> Numbered(Source source) =>
        source.Lines.Select((text, index) => (index + 1, text));

    internal static void AssertNone(IEnumerable<string> found)
    {
        string[] all = [.. found];
        Assert.IsEmpty(all, string.Join('\n', all));
    }

    [GeneratedRegex("""^\s*///.*\bthreads?\b""", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex SpeaksOfThreads();

    [GeneratedRegex("""^\s*//(?!/)\s*[^\s].*[;{}]\s*$""")]
    private static partial Regex CommentedCode();

    [GeneratedRegex("""(^|[\s"'=(:])/(home|root|Users|work|mnt)/""")]
    private static partial Regex MachinePath();
}
