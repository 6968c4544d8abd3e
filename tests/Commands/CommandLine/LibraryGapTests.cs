using System.Reflection;
using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

/// <summary>
/// What ConsoleAppFramework does otherwise than a user expects, and what Binding makes of it: one test for each
/// difference that was found.
/// </summary>
[TestClass]
public sealed class LibraryGapTests
{
    private ParsedCommand _command = null!;

    [TestMethod]
    [DataRow("serve --port=5 a", DisplayName = "an equals sign")]
    [DataRow("serve a --port 5", DisplayName = "an option after an argument")]
    [DataRow("serve -p 5 a", DisplayName = "a short name")]
    [DataRow("serve -p=5 a", DisplayName = "a short name with an equals sign")]
    [DataRow("serve --netstring=false --port 5 a", DisplayName = "a flag that is off")]
    public void AnOption_StandsAnywhere(string line)
    {
        Run(line.Split(' '));
        Assert.AreEqual(5, _command.Server.Port);
        Assert.AreEqual("a", _command.Served.Poems.Single().What);
        Assert.AreEqual(PoemFormat.Plain, _command.Served.Format);
    }

    [TestMethod]
    [DataRow("-x")]
    [DataRow("--help")]
    [DataRow("-h")]
    [DataRow("--version")]
    [DataRow("--")]
    [DataRow("--port")]
    [DataRow("==a")]
    public void AWordAfterTwoDashes_IsAnArgument(string word)
    {
        Run("serve", "a", "--", word);
        Assert.AreEqual($"a {word}", string.Join(' ', _command.Served.Poems.Select(poem => poem.What)));
    }

    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    [DataRow("--version")]
    [DataRow("--output")]
    [DataRow("=a")]
    public void AnOptionsValue_IsWhatWasTyped(string value)
    {
        Run("get", "--output", value, "1");
        Assert.AreEqual(value, _command.Options.Output);
    }

    [TestMethod]
    [DataRow("serve --port 1 --port 1 a", "--port is given twice")]
    [DataRow("serve --log-level 2 a", "--log-level: '2' is not one of trace|debug|info|warn|error")]
    [DataRow("serve --log-level info,warn a", "--log-level: 'info,warn' is not one of trace|debug|info|warn|error")]
    [DataRow("serve --log-level Info a", "--log-level: 'Info' is not one of trace|debug|info|warn|error")]
    [DataRow("serve --log-level= a", "--log-level needs a value")]
    [DataRow("serve --Port 1 a", "unknown option '--Port' (did you mean '--port'?)")]
    [DataRow("serve --prot 1 a", "unknown option '--prot' (did you mean '--port'?)")]
    [DataRow("serve", "no poem given (try 'poetry serve --help')")]
    public void AMistake_IsOneLineAndExitCode2(string line, string problem)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '));
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(2, invocation.ExitCode);
        Assert.AreEqual($"poetry serve: {problem}\n", invocation.Text);
    }

    /// <summary>The library turns an exception into its whole text and exit code 1: commands run outside it.</summary>
    [TestMethod]
    public void AnExceptionInACommand_IsItsCallersBusiness()
    {
        Invocation invocation = CommandLine.Parse(["transform", "--log-file", "no/such/directory/log"]);
        IOException error = Assert.ThrowsExactly<IOException>(() => invocation.Run!());
        Assert.StartsWith("cannot open log file no/such/directory/log: ", error.Message);
        Assert.AreEqual(0, Environment.ExitCode);
    }

    /// <summary>A cancellation token would bring signal handlers and a pool thread, other types a JSON serializer.</summary>
    [TestMethod]
    public void ADeclaration_HasTextAndFlagsAlone()
    {
        Type[] allowed = [typeof(string), typeof(bool), typeof(string[])];
        MethodInfo[] methods = [.. from type in typeof(CommandLine).Assembly.GetTypes()
                                   where type.Name.EndsWith("Syntax", StringComparison.Ordinal)
                                   from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                                   where method.Name == type.Name[..^"Syntax".Length]
                                   select method];
        Assert.IsGreaterThanOrEqualTo(7, methods.Length);
        foreach (MethodInfo method in methods)
        {
            Assert.AreEqual(typeof(void), method.ReturnType, method.Name);
            Assert.IsTrue(method.GetParameters().All(parameter => allowed.Contains(parameter.ParameterType)), method.Name);
        }
    }

    private void Run(params string[] args) => _command = new ParsedCommand(args);
}
