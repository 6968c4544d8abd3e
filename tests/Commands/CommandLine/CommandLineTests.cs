using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class CommandLineTests
{
    private const string Commands = " (commands: serve, slow-serve, transform, proxy, get, completion, help)";

    private ParsedCommand _command = null!;

    [TestMethod]
    public void Serve_OneFile_HasTheDefaultsOfTheManual()
    {
        Run("serve", "poem.txt");
        ServerOptions server = _command.Server;
        Assert.AreEqual(0, server.Port);
        Assert.AreEqual("127.0.0.1", server.Iface);
        Assert.AreEqual(1, server.Workers);
        Assert.IsNull(server.MaxConnections);
        Assert.AreEqual(0, server.MaxPerAddress);
        Assert.IsFalse(server.ProxyProtocol);
        Assert.AreEqual(TimeSpan.FromSeconds(60), server.SendTimeout);
        Assert.AreEqual(TimeSpan.FromSeconds(10), server.Drain);
        Assert.AreEqual(LogLevel.Information, server.LogLevel);
        Assert.AreEqual(LogFormat.Text, server.LogFormat);
        Assert.IsNull(server.Metrics);
        Assert.AreEqual(PoemFormat.Plain, _command.Served.Format);
        Assert.AreEqual("127.0.0.1:0 poem.txt", Served());
    }

    [TestMethod]
    public void Serve_EveryOption_IsRead()
    {
        Run(
            "serve", "--port", "10001", "--iface=::1", "poem.txt", "--workers", "3", "--max-connections", "0",
            "--send-timeout=500ms", "--drain", "0", "--log-level", "trace", "--log-format=json",
            "--metrics", "[::1]:0", "--netstring", "--max-per-address", "10", "--proxy-protocol");
        ServerOptions server = _command.Server;
        Assert.AreEqual(10001, server.Port);
        Assert.AreEqual("::1", server.Iface);
        Assert.AreEqual(3, server.Workers);
        Assert.AreEqual(0, server.MaxConnections);
        Assert.AreEqual(10, server.MaxPerAddress);
        Assert.IsTrue(server.ProxyProtocol);
        Assert.AreEqual(TimeSpan.FromMilliseconds(500), server.SendTimeout);
        Assert.AreEqual(Quantity.Never, server.Drain);
        Assert.AreEqual(LogLevel.Trace, server.LogLevel);
        Assert.AreEqual(LogFormat.Json, server.LogFormat);
        Assert.AreEqual("[::1]:0", server.Metrics!.ToString());
        Assert.AreEqual(PoemFormat.Netstring, _command.Served.Format);
        Assert.AreEqual("[::1]:10001 poem.txt", Served());
    }

    [TestMethod]
    [DataRow("trace", LogLevel.Trace)]
    [DataRow("debug", LogLevel.Debug)]
    [DataRow("info", LogLevel.Information)]
    [DataRow("warn", LogLevel.Warning)]
    [DataRow("error", LogLevel.Error)]
    public void Serve_LogLevel_IsThatOfTheLogger(string word, LogLevel level)
    {
        Run("serve", "--log-level", word, "p");
        Assert.AreEqual(level, _command.Server.LogLevel);
    }

    [TestMethod]
    public void Serve_AutoWorkers_AreOneACore()
    {
        Run("serve", "--workers", "auto", "p");
        Assert.AreEqual(Environment.ProcessorCount, _command.Server.Workers);
    }

    [TestMethod]
    public void Serve_SeveralPoems_EachHasItsPlace()
    {
        Run("serve", "10001=a.txt", "0.0.0.0:10002=b.txt", "unix:s=c.txt", "-", "d.txt", "--iface", "10.0.0.1");
        Assert.AreEqual(
            "10.0.0.1:10001 a.txt|0.0.0.0:10002 b.txt|unix:s c.txt|10.0.0.1:0 -|10.0.0.1:0 d.txt",
            Served());
    }

    [TestMethod]
    public void Serve_OddNames_AreFilesAllTheSame()
    {
        Run("serve", "@poem.txt", "serve", "poetry", "[diagram]", "--", "--port", "-x");
        Assert.AreEqual("@poem.txt serve poetry [diagram] --port -x", string.Join(' ', _command.Served.Poems.Select(p => p.What)));
    }

    [TestMethod]
    [DataRow("serv", "poetry: unknown command 'serv' (did you mean 'serve'?)")]
    [DataRow("got", "poetry: unknown command 'got' (did you mean 'get'?)")]
    [DataRow("xyzzy", "poetry: unknown command 'xyzzy'" + Commands)]
    [DataRow("--prot", "poetry: unknown option '--prot'")]
    [DataRow("--versoin", "poetry: unknown option '--versoin' (did you mean '--version'?)")]
    [DataRow("serve --prot 5 p", "poetry serve: unknown option '--prot' (did you mean '--port'?)")]
    [DataRow("serve --prot=5 p", "poetry serve: unknown option '--prot' (did you mean '--port'?)")]
    [DataRow("serve p --netstrings", "poetry serve: unknown option '--netstrings' (did you mean '--netstring'?)")]
    [DataRow("serve", "poetry serve: no poem given (try 'poetry serve --help')")]
    [DataRow("serve --port", "poetry serve: --port needs a value")]
    [DataRow("serve --port= p", "poetry serve: --port needs a value")]
    [DataRow("serve --port 65536 p", "poetry serve: --port: '65536' is not a port from 0 to 65535")]
    [DataRow("serve --port -1 p", "poetry serve: --port: '-1' is not a port from 0 to 65535")]
    [DataRow("serve --port abc p", "poetry serve: --port: 'abc' is not a port from 0 to 65535")]
    [DataRow("serve --port 1 --port 2 p", "poetry serve: --port is given twice")]
    [DataRow("serve --port --netstring p", "poetry serve: --port: '--netstring' is not a port from 0 to 65535")]
    [DataRow("serve --netstring=maybe p", "poetry serve: --netstring takes no value")]
    [DataRow("serve --workers 0 p", "poetry serve: --workers: '0' is neither a number from 1 to 1024 nor auto")]
    [DataRow("serve --max-per-address -1 p", "poetry serve: --max-per-address: '-1' is not a whole number from 0 to 2147483647")]
    [DataRow("serve --proxy-protocol=yes p", "poetry serve: --proxy-protocol takes no value")]
    [DataRow("serve --send-timeout NaN p", "poetry serve: --send-timeout: 'NaN' is not a time such as 0.7, 500ms or 2h")]
    [DataRow("serve --drain -1 p", "poetry serve: --drain: '-1' is not a time such as 0.7, 500ms or 2h")]
    [DataRow("serve --max-connections -1 p", "poetry serve: --max-connections: '-1' is not a whole number from 0 to 2147483647")]
    [DataRow("serve --log-level loud p", "poetry serve: --log-level: 'loud' is not one of trace|debug|info|warn|error")]
    [DataRow("serve --log-level 2 p", "poetry serve: --log-level: '2' is not one of trace|debug|info|warn|error")]
    [DataRow("serve --iface 1.2 p", "poetry serve: --iface: '1.2' is not a host: '1.2' is no IPv4 address")]
    [DataRow("serve --port 5 a b", "poetry serve: two poems on 127.0.0.1:5: say PORT=FILE for each")]
    [DataRow("serve 5=a 127.0.0.1:5=b", "poetry serve: two poems on 127.0.0.1:5: say PORT=FILE for each")]
    [DataRow("serve unix:s=a unix:s=b", "poetry serve: two poems on unix:s: say PORT=FILE for each")]
    [DataRow("serve - 1=-", "poetry serve: standard input holds only one poem")]
    [DataRow("serve 70000=a", "poetry serve: '70000' is not an address: a port is a number from 0 to 65535 (a file of this name is ./70000=a)")]
    [DataRow("get", "poetry get: no address given (try 'poetry get --help')")]
    [DataRow("get abc", "poetry get: 'abc' is not an address: expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH")]
    [DataRow("get 1 -5", "poetry get: unknown option '-5'")]
    [DataRow("get http://p.example/e.txt", "poetry get: 'http://p.example/e.txt' is not an address: a URL is no address, say HOST:PORT")]
    [DataRow("proxy https://p.example:1", "poetry proxy: 'https://p.example:1' is not an address: a URL is no address, say HOST:PORT")]
    [DataRow("fetch 1", "poetry: unknown command 'fetch' (did you mean 'get'?)")]
    [DataRow("--port 5 serve p", "poetry: --port is an option of serve, slow-serve, transform and proxy, and comes after the command")]
    [DataRow("serve --num-bytes 5 p", "poetry serve: --num-bytes is an option of slow-serve")]
    [DataRow("serve --num-byte 5 p", "poetry serve: unknown option '--num-byte' (--num-bytes is an option of slow-serve)")]
    [DataRow("serve --host ::1 p", "poetry serve: unknown option '--host' (did you mean '--iface'?)")]
    [DataRow("serve --PORT 1 p", "poetry serve: unknown option '--PORT' (did you mean '--port'?)")]
    [DataRow("get --retries 5 1", "poetry get: unknown option '--retries' (did you mean '--retry'?)")]
    [DataRow("serve --retries 5 p", "poetry serve: unknown option '--retries' (--retry is an option of get)")]
    [DataRow(
        "get --host h 1",
        "poetry get: unknown option '--host' (--iface is an option of serve, slow-serve, transform and proxy)")]
    [DataRow("version", "poetry: unknown command 'version' (did you mean '--version'?)")]
    [DataRow("man serve", "poetry: unknown command 'man' (did you mean 'help'?)")]
    [DataRow("sevre --help", "poetry: unknown command 'sevre' (did you mean 'serve'?)")]
    [DataRow("xyzzy -h", "poetry: unknown command 'xyzzy'" + Commands)]
    [DataRow("serve --netstring=True p", "poetry serve: --netstring takes no value")]
    [DataRow("proxy --ttl never 1", "poetry proxy: --ttl: 'never' is not a time such as 0.7, 500ms or 2h (for no end: forever)")]
    [DataRow("get -p 5 1", "poetry get: -p is an option of serve, slow-serve, transform and proxy")]
    [DataRow("serve -p5 p", "poetry serve: unknown option '-p5' (did you mean '-p 5'?)")]
    [DataRow("serve -p 5 --port 6 p", "poetry serve: --port is given twice")]
    [DataRow("serve --netstring --netstring p", "poetry serve: --netstring is given twice")]
    [DataRow("serve --port -- p", "poetry serve: --port needs a value")]
    [DataRow("-- serve p", "poetry: no command is given: try serve, slow-serve, transform, proxy, get, completion or help")]
    [DataRow("get --tim 5 1", "poetry get: unknown option '--tim' (did you mean '--timeout'?)")]
    [DataRow("get --transform shout 1", "poetry get: --transform needs --via ADDRESS, a transform server")]
    [DataRow("get --via 2 1", "poetry get: --via needs --transform NAME, a transformation")]
    [DataRow("get --via 2 --transform a.b 1", "poetry get: --transform: 'a.b' cannot be the name of a transformation")]
    [DataRow("get --via 0 --transform a 1", "poetry get: --via: '0' is not an address: a port is a number from 1 to 65535")]
    [DataRow("get --port 5 1", "poetry get: --port is an option of serve, slow-serve, transform and proxy")]
    [DataRow("--json", "poetry: --json goes with --version")]
    [DataRow("serve --json p", "poetry serve: --json goes with --version")]
    [DataRow("help --man licenses", "poetry help: --man has no effect: the licenses have no manual page")]
    [DataRow("help licenses serve", "poetry help: unknown command 'licenses'" + Commands)]
    [DataRow("help serv", "poetry help: unknown command 'serv' (did you mean 'serve'?)")]
    [DataRow("help serve get", "poetry help: name one command")]
    [DataRow("completion", "poetry completion: name one shell: bash, zsh, fish, pwsh")]
    [DataRow("completion bash zsh", "poetry completion: name one shell: bash, zsh, fish, pwsh")]
    [DataRow("completion tcsh", "poetry completion: 'tcsh' is not one of bash, zsh, fish, pwsh")]
    public void Parse_Mistake_IsOneLineAndExitCode2(string line, string problem)
    {
        Invocation invocation = Parse(line.Split(' '));
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(2, invocation.ExitCode);
        Assert.AreEqual(problem + "\n", invocation.Text);
    }

    /// <summary>A pasted file is not worth a screen: what it was and what is wrong with it are at the two ends.</summary>
    [TestMethod]
    [DataRow("get", "poetry get: 'xxx", "xxx' is not an address: expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH\n")]
    [DataRow("serve --port", "poetry serve: --port: 'xxx", "xxx' is not a port from 0 to 65535\n")]
    public void Parse_AVeryLongWord_IsShortened(string line, string start, string end)
    {
        string text = Parse([.. line.Split(' '), new string('x', 100_000)]).Text;
        Assert.StartsWith(start, text);
        Assert.EndsWith(end, text);
        Assert.IsLessThan(2000, text.Length);
    }

    [TestMethod]
    public void Parse_TwoProxiesWithoutAPort_RunsWithAWarning()
    {
        Run("proxy", "10000", "10001");
        Assert.AreEqual(
            "poetry proxy: warning: these are 2 proxies on random ports: say PORT=ADDRESS for each to choose them\n",
            Parse("proxy", "10000", "10001").Text);
        Assert.AreEqual(string.Empty, Parse("proxy", "10000").Text);
        Assert.AreEqual(string.Empty, Parse("proxy", "1=10000", "10001").Text);
    }

    [TestMethod]
    public void Parse_ControlCharactersTyped_AreEscapedInTheOneLine()
    {
        Invocation invocation = Parse("get", "a\n\x1b]0;title\a\u202e");
        Assert.AreEqual(
            "poetry get: 'a\\x0A\\x1B]0;title\\x07\\u202E' is not an address: expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH\n",
            invocation.Text);
    }

    [TestMethod]
    public void Parse_Nothing_NamesTheCommandsInOneLine()
    {
        Invocation invocation = Parse();
        Assert.AreEqual(2, invocation.ExitCode);
        Assert.AreEqual("poetry: no command is given: try serve, slow-serve, transform, proxy, get, completion or help\n", invocation.Text);
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void Parse_Version_IsThatOfTheAssembly(string[] command)
    {
        Invocation invocation = Parse([.. command, "--version", .. command.Length == 0 ? (string[])[] : ["1"]]);
        Assert.AreEqual(0, invocation.ExitCode);
        Assert.AreEqual(VersionText.Of(asJson: false), invocation.Text);
        string version = typeof(CommandLine).Assembly.GetName().Version!.ToString(3);
        Assert.MatchesRegex(
            $"^poetry {Regex.Escape(version)} \\(commit ([0-9a-f]{{12}}|unknown), [a-z0-9-]+, \\.NET {Environment.Version}\\)\n$",
            invocation.Text);
    }

    [TestMethod]
    [DynamicData(nameof(EveryCommand))]
    public void Parse_VersionAsJson_IsOneObject(string[] command)
    {
        Invocation invocation = Parse(["--json", .. command, "--version"]);
        Assert.AreEqual(0, invocation.ExitCode);
        using var json = JsonDocument.Parse(invocation.Text);
        string[] names = [.. json.RootElement.EnumerateObject().Select(member => member.Name)];
        Assert.AreEqual("name version commit runtime dotnet", string.Join(' ', names));
        Assert.AreEqual(RuntimeInformation.RuntimeIdentifier, json.RootElement.GetProperty("runtime").GetString());
    }

    [TestMethod]
    public void Parse_SlowServe_HasTheDefaultsOfTheManual()
    {
        Run("slow-serve", "a.txt", "--port", "10003");
        Assert.AreEqual("127.0.0.1:10003 a.txt", Served());
        Assert.AreEqual(10, _command.Pace!.Value.Bytes);
        Assert.AreEqual(TimeSpan.FromSeconds(0.7), _command.Pace.Value.Delay);
        Assert.AreEqual(PoemFormat.Plain, _command.Served.Format);
    }

    [TestMethod]
    public void Parse_SlowServe_TakesItsPaceAfterTheFile()
    {
        Run("slow-serve", "a.txt", "--num-bytes", "30", "--delay", "0", "--netstring");
        Assert.AreEqual(30, _command.Pace!.Value.Bytes);
        Assert.AreEqual(TimeSpan.Zero, _command.Pace.Value.Delay);
        Assert.AreEqual(PoemFormat.Netstring, _command.Served.Format);
    }

    [TestMethod]
    [DataRow("--num-bytes", "0")]
    [DataRow("--num-bytes", "-1")]
    [DataRow("--num-bytes", "ten")]
    [DataRow("--delay", "-0.1")]
    [DataRow("--delay", "NaN")]
    public void Parse_SlowServeWithAPaceThatIsNone_IsWrongUsage(string option, string value)
    {
        Invocation invocation = Parse("slow-serve", option, value, "a.txt");
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        Assert.Contains(option, invocation.Text);
    }

    [TestMethod]
    public void Parse_SlowServeWithoutAPoem_SaysWhereHelpIs() =>
        Assert.Contains("poetry slow-serve --help", Parse("slow-serve").Text);

    [TestMethod]
    public void Parse_Transform_HasTheDefaultsOfTheManual()
    {
        Run("transform");
        TransformOptions options = _command.Transformed;
        Assert.AreEqual("127.0.0.1:0", options.Listen.ToString());
        Assert.IsNull(options.TextListen);
        Assert.AreEqual(1024 * 1024, options.MaxLength);
        Assert.AreEqual(TimeSpan.FromSeconds(30), options.Timeout);
        Assert.IsNull(options.Upstream);
    }

    [TestMethod]
    public void Parse_Transform_TakesAllOfItsOptions()
    {
        Run("transform", "--iface", "::1", "--port", "11000", "--text-port", "0", "--max-length", "64KiB", "--timeout", "0", "--upstream", "9");
        TransformOptions options = _command.Transformed;
        Assert.AreEqual("[::1]:11000", options.Listen.ToString());
        Assert.AreEqual("[::1]:0", options.TextListen?.ToString());
        Assert.AreEqual(64 * 1024, options.MaxLength);
        Assert.AreEqual(Quantity.Never, options.Timeout);
        Assert.AreEqual("127.0.0.1:9", options.Upstream?.ToString());
    }

    [TestMethod]
    public void Parse_TransformWithListen_ListensThere()
    {
        Run("transform", "--listen", "unix:t.sock", "--text-port", "11001");
        Assert.AreEqual("unix:t.sock", _command.Transformed.Listen.ToString());
        Assert.AreEqual("127.0.0.1:11001", _command.Transformed.TextListen?.ToString());
    }

    [TestMethod]
    public void Parse_TransformList_SaysTheNames()
    {
        Invocation invocation = Parse("transform", "--list");
        Assert.AreEqual(ExitCode.Success, invocation.ExitCode);
        Assert.AreEqual("cummingsify\nshout\nrot13\nreverse-lines\n", invocation.Text);
    }

    [TestMethod]
    [DataRow("x")]
    [DataRow("--text-port=70000")]
    [DataRow("--max-length=lots")]
    [DataRow("--max-length=3GiB")]
    [DataRow("--upstream=0")]
    [DataRow("--port=11000 --text-port=11000")]
    public void Parse_TransformWithWhatMeansNothing_IsWrongUsage(string line)
    {
        Invocation invocation = Parse(["transform", .. line.Split(' ')]);
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        Assert.AreEqual(1, invocation.Text.Count(c => c == '\n'), invocation.Text);
    }

    /// <summary>The program without a command, and with each.</summary>
    private static IEnumerable<string[][]> EveryCommand =>
        [[[]], .. CommandLine.Root.Subcommands.Select(command => (string[][])[[command.Name]])];

    private void Run(params string[] args) => _command = new ParsedCommand(args);

    private static Invocation Parse(params string[] args) => CommandLine.Parse(args);

    private string Served() => string.Join('|', _command.Served.Poems.Select(p => $"{p.Listen} {p.What}"));
}
