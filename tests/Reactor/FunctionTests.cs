using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// What becomes of a function that is asynchronous, for every public member that takes a function: it is waited for, refused
/// when it is compiled, or stopped before it begins. None loses an error in silence.
/// </summary>
[TestClass]
public sealed class FunctionTests
{
    /// <summary>
    /// Members for which no overload can help: an async void function is stopped by the loop (LoopContext), or the function is
    /// not the user's.
    /// </summary>
    private static readonly string[] Stopped =
    [
        "AddBoth(TState, TState Outcome`1)", "CallLater(TimeSpan, TState, TState)", "Add(TimeSpan, TState, TState)",
        "WithCanceller(TState, TState Deferred`1)", // with a state, which could be of any type
        "CallFromThread()", // of IReactorThreads: the reactor's own has overloads
        "ShuttingDown()", // an event
        "Subscribe(String, ReadOnlyMemory`1, Failure)", // its bytes are valid during the call only
        "OnCompleted()", "UnsafeOnCompleted()", // called by the compiler's code
    ];

    private readonly List<string> _calls = [];

    [TestMethod]
    [SuppressMessage("Trimming", "IL2026", Justification = "the tests are not trimmed")]
    public void EveryPublicMemberThatTakesAFunction_IsDecided()
    {
        string shipped = File.ReadAllText(Path.Combine(House.Source.Root, "package", "PublicAPI.Shipped.txt"));
        Taker[] all = [.. typeof(Reactor).Assembly.GetExportedTypes()
            .Where(type => type.IsNested || shipped.Contains($"{type.FullName!.Split('`')[0]}", StringComparison.Ordinal))
            .SelectMany(TakersOf)];
        ILookup<string, Taker> flavours = all.ToLookup(taker => taker.Key);
        string[] undecided = [.. from taker in all
                                 where !taker.IsRefused && !IsDecided(taker, [.. flavours[taker.Key]])
                                 select $"{taker.Key}, which returns {taker.Returned}"];
        CollectionAssert.AreEqual(Array.Empty<string>(), undecided, string.Join('\n', undecided));
        Assert.IsGreaterThan(60, all.Length, "there is something to look at");
    }

    /// <summary>
    /// Aim: the overloads are those that the compiler chooses. Method: the compiler is given a line for each, and is to refuse
    /// every one that ends in "// refused".
    /// </summary>
    [TestMethod]
    public void Functions_ThatReturnTasks_AreRefusedWhenTheyAreCompiled()
    {
        const string Code = """
            using System;
            using System.Threading.Tasks;
            using Poetry.Net;

            static class Program
            {
                static Task Task() => throw new Exception();
                static ValueTask ValueTask() => throw new Exception();
                static Task<int> TaskOf() => throw new Exception();
                static ValueTask<int> ValueTaskOf() => throw new Exception();
                static ValueTask<int> Next(int value) => throw new Exception();

                static void Main()
                {
                    var reactor = new Reactor();
                    var d = new Deferred<int>();
                    _ = new Deferred<int>(_ => Task()); // refused
                    _ = new Deferred<int>(_ => ValueTask()); // refused
                    _ = new Deferred<int>(async _ => await reactor.Sleep(default));
                    _ = new Deferred<int>(_ => throw new Exception());
                    _ = new Deferred<int>(_ => { });
                    d.AddCallback(_ => Task()); // refused
                    d.AddCallback(_ => ValueTask()); // refused
                    d.AddCallback(_ => TaskOf()); // refused
                    d.AddCallback(_ => ValueTaskOf()); // refused
                    d.AddCallback(Next); // refused
                    d.AddCallback(Task); // refused
                    d.AddCallback(ValueTask); // refused
                    d.AddErrback(_ => Task()); // refused
                    d.AddErrback(_ => ValueTask()); // refused
                    d.AddBoth(_ => Task()); // refused
                    d.AddBoth(_ => ValueTask()); // refused
                    d.AddBoth(Task); // refused
                    d.AddBoth(ValueTask); // refused
                    d.AddCallbacks(_ => Task(), _ => Task()); // refused
                    d.AddCallbacks(_ => ValueTask(), _ => ValueTask()); // refused
                    d.AddCallbacks(_ => ValueTaskOf(), _ => ValueTaskOf()); // refused
                    d.AddCallbacks(_ => TaskOf(), _ => TaskOf()); // refused
                    ((Deferred)d).AddCallback(Task); // refused
                    ((Deferred)d).AddCallback(ValueTask); // refused
                    ((Deferred)d).AddErrback(_ => ValueTask()); // refused
                    ((Deferred)d).AddBoth(ValueTask); // refused
                    Deferred.MaybeDeferred(ValueTask); // refused
                    Deferred.MaybeDeferred(ValueTaskOf); // refused
                    Deferred.MaybeDeferred(TaskOf); // refused
                    _ = new LoopingCall(reactor, Task); // refused
                    _ = new LoopingCall(reactor, ValueTask); // refused
                    _ = new LoopingCall(reactor, async () => await reactor.Sleep(default));
                    LoopingCall.WithCount(reactor, _ => ValueTask()); // refused
                    reactor.CallLater(default, Task); // refused
                    reactor.CallLater(default, () => ValueTask()); // refused
                    reactor.CallWhenRunning(() => ValueTask()); // refused
                    reactor.CallFromThread(() => ValueTask()); // refused
                    reactor.DeferToThread(async () => 5); // refused
                    reactor.DeferToThread(TaskOf); // refused
                    reactor.DeferToThread(ValueTask); // refused
                    reactor.DeferToThread(ValueTaskOf); // refused
                    reactor.DeferToThread(() => 5);
                    _ = new ProtocolTimeout(reactor, Task); // refused
                    _ = new ProtocolTimeout(reactor, ValueTask); // refused
                    _ = new ProtocolTimeout(reactor, async () => await d);
                    var signals = new Signals(reactor);
                    signals.OnHangUp(ValueTask); // refused
                    signals.OnTerminate(_ => Task()); // refused
                    signals.OnTerminate(async _ => await d);
                    signals.OnTerminate(_ => reactor.Stop());
                }
            }
            """;
        string[] lines = Code.Split('\n');
        HashSet<int> errors = Compile(Code);
        string[] wrong = [.. from index in Enumerable.Range(0, lines.Length)
                             where errors.Contains(index + 1) != lines[index].Contains("// refused", StringComparison.Ordinal)
                             select lines[index].Trim()];
        CollectionAssert.AreEqual(Array.Empty<string>(), wrong, string.Join('\n', wrong));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnAsyncVoidFunction_IsStoppedBeforeItBegins_AndReported(string backend)
    {
        var log = new CollectingLog();
        Reactor reactor = Backends.OpenReactor(backend, log);
        reactor.ShuttingDown += async () => await Broken();
        _ = reactor.CallLater(TimeSpan.Zero, "state", async _ => await Broken());
        _ = reactor.CallLater(TimeSpan.Zero, reactor.Stop);
        reactor.Run();
        reactor.Dispose();
        Assert.IsEmpty(_calls);
        Assert.HasCount(2, log.Exceptions);
        Assert.IsTrue(log.Exceptions.All(exception => exception is NotSupportedException));
        Assert.IsNull(System.Threading.SynchronizationContext.Current);
    }

    [TestMethod]
    public void AnAsyncVoidFunction_UnderAManualClock_Throws()
    {
        var clock = new Poetry.Net.Testing.ManualClock();
        _ = clock.CallLater(TimeSpan.Zero, "state", async _ => await Broken());
        _ = Assert.ThrowsExactly<NotSupportedException>(() => clock.Advance(1));
        Assert.IsEmpty(_calls);
    }

    /// <summary>A function that returns a deferred may be given to a canceller: cancelling does not wait.</summary>
    [TestMethod]
    public void AnAsyncCanceller_IsCalled_AndItsFailureReported()
    {
        var cleanup = new Deferred<int>();
        var deferred = new Deferred<int>(async _ =>
        {
            _calls.Add("cancelled");
            await cleanup;
        });
        deferred.Cancel();
        Assert.IsTrue(DeferredTests.FailureOf(deferred).Check<CancelledError>());
        Assert.HasCount(1, _calls);
        cleanup.Errback(new NotSupportedException());
        Assert.IsInstanceOfType<NotSupportedException>(LostFailures.Take().Single().Exception);
    }

    private static IEnumerable<object[]> AllBackends => Backends.All;

    private async Deferred Broken()
    {
        _calls.Add("began");
        await Deferred.Fail<int>(new NotSupportedException("lost"));
    }

    private static bool IsDecided(Taker taker, Taker[] flavours)
    {
        bool refusesTasks = IsRefused("Task") && IsRefused("ValueTask");
        return taker.Returned switch
        {
            "Void" => Stopped.Contains(taker.Name)
                || (refusesTasks && flavours.Any(flavour => flavour.Returned == "Deferred" && !flavour.IsRefused)),
            "open" => refusesTasks && IsRefused("Task`1") && IsRefused("ValueTask`1"),
            "Deferred" or "Deferred`1" or "Outcome`1" or "T" => true, // waited for, or a result of exactly that type
            "String" => taker.Name.StartsWith("Log(", StringComparison.Ordinal), // ILogger's
            _ => false,
        };

        bool IsRefused(string returned) => flavours.Any(flavour => flavour.Returned == returned && flavour.IsRefused);
    }

    [SuppressMessage("Trimming", "IL2070", Justification = "the tests are not trimmed")]
    private static IEnumerable<Taker> TakersOf(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.DeclaredOnly;
        foreach (MethodBase method in type.GetMembers(All).OfType<MethodBase>())
        {
            bool isOurs = (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly) && !typeof(Delegate).IsAssignableFrom(type);
            Type[] parameters = [.. method.GetParameters().Select(parameter => parameter.ParameterType)];
            if (isOurs && Array.Find(parameters, parameter => typeof(Delegate).IsAssignableFrom(parameter)) is { } function)
            {
                // An extension belongs to all classes of extensions.
                string home = method.IsDefined(typeof(ExtensionAttribute)) ? "" : $"{type.Name}.";
                string name = method.IsSpecialName && !method.IsConstructor ? method.Name[(method.Name.IndexOf('_') + 1)..] : method.Name;
                yield return new Taker(
                    $"{name}({string.Join(", ", parameters.Select(Describe))})",
                    home,
                    method.GetCustomAttribute<ObsoleteAttribute>() is { IsError: true },
                    Returned(function.GetMethod("Invoke")!.ReturnType));
            }
        }
    }

    /// <summary>A function is described by its arguments.</summary>
    [SuppressMessage("Trimming", "IL2070", Justification = "the tests are not trimmed")]
    private static string Describe(Type type) => !typeof(Delegate).IsAssignableFrom(type)
        ? type.Name
        : string.Join(' ', type.GetMethod("Invoke")!.GetParameters().Select(parameter => parameter.ParameterType.Name));

    private static string Returned(Type type) => type.IsGenericMethodParameter ? "open" : type.Name;

    /// <returns>The numbers of the lines with errors.</returns>
    private static HashSet<int> Compile(string code)
    {
        using var folder = new TemporaryFolder();
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        string compiler = Directory.GetFiles(Path.Combine(runtime, "..", "..", "..", "sdk"), "csc.dll", SearchOption.AllDirectories)[^1];
        File.WriteAllText(folder["code.cs"], code);
        IEnumerable<string> references = Directory.GetFiles(runtime, "System*.dll")
            .Append(Path.Combine(AppContext.BaseDirectory, "poetry.dll"))
            .Append(Path.Combine(AppContext.BaseDirectory, "Microsoft.Extensions.Logging.Abstractions.dll"))
            .Select(reference => $"-r:{reference}");
        Finished finished = ToolRun.Run(
            folder["."],
            120_000,
            ["dotnet", "exec", compiler, "-nologo", "-nullable", "-nostdlib", "-t:exe", "-out:code.dll", .. references, "code.cs"]);
        var errors = new HashSet<int>();
        foreach (string line in Encoding.UTF8.GetString(finished.Bytes).Split('\n'))
        {
            if (line.Contains("error CS0619", StringComparison.Ordinal))
            {
                _ = errors.Add(int.Parse(line.Split('(', ',')[1], provider: null));
            }
            else
            {
                Assert.DoesNotContain("error", line);
            }
        }

        return errors;
    }

    /// <summary>A member that takes a function.</summary>
    /// <param name="Name">With its parameters.</param>
    /// <param name="Home">Its type.</param>
    /// <param name="IsRefused">When it is compiled.</param>
    /// <param name="Returned">What the function returns.</param>
    private sealed record Taker(string Name, string Home, bool IsRefused, string Returned)
    {
        public string Key => Home + Name;
    }
}
