using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

/// <summary>The command line of <c>poetry get</c>.</summary>
[TestClass]
public sealed class GetSyntaxTests
{
    private ParsedCommand _command = null!;

    [TestMethod]
    public void Get_Defaults_AreThoseOfTheManual()
    {
        Run("get", "10001");
        GetOptions options = _command.Options;
        Assert.IsNull(options.Transform);
        Assert.IsNull(options.Via);
        Assert.AreEqual(TimeSpan.FromSeconds(60), options.Request.Timeout);
        Assert.AreEqual(0, options.Retry);
        Assert.IsNull(options.Output);
        Assert.AreEqual(PoemFormat.Plain, options.Request.Format);
        Assert.IsFalse(options.Wait || options.Race || options.AllOrNothing || options.Quiet || options.Raw);
        Assert.AreEqual(ProgressStyle.Auto, options.Progress);
        Assert.AreEqual("127.0.0.1:10001", string.Join(' ', _command.Addresses.AsEnumerable()));
    }

    [TestMethod]
    public void Get_EveryOption_IsRead()
    {
        Run(
            "get", "10001", "--transform", "cummingsify", "--via=unix:t.sock", "--timeout", "0", "--retry", "3", "-o", "dir/",
            "--wait", "--netstring", "--progress", "none", "-q", "[::1]:2", "10001,unix:p.sock", "--strict-transform",
            "--connect-timeout=2", "--max-time", "1m", "--max-bytes", "1MiB", "--parallel-max", "4", "--sync", "--color", "never");
        GetOptions options = _command.Options;
        Assert.AreEqual("cummingsify", options.Transform);
        Assert.AreEqual("unix:t.sock", options.Via!.ToString());
        Assert.AreEqual(Quantity.Never, options.Request.Timeout);
        Assert.AreEqual(3, options.Retry);
        Assert.AreEqual("dir/", options.Output);
        Assert.IsTrue(options.Wait && options.Request.Format == PoemFormat.Netstring && options.Quiet);
        Assert.AreEqual(ProgressStyle.None, options.Progress);
        Assert.AreEqual("127.0.0.1:10001 [::1]:2 127.0.0.1:10001,unix:p.sock", string.Join(' ', _command.Addresses.AsEnumerable()));
        Assert.IsTrue(options.StrictTransform && options.Sync);
        Assert.AreEqual((TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1)), (options.Request.ConnectTimeout, options.MaxTime));
        Assert.AreEqual((1 << 20, 4, ColourMode.Never), (options.MaxBytes, options.ParallelMax, options.Colour));
    }

    [TestMethod]
    public void Get_OptionsOfOnePoem_AreRead()
    {
        string hash = new('a', 64);
        Run("get", "--stream", "--expect-bytes", "600", "--sha256", hash, "--allow-empty", "-vv", "--progress=json", "1");
        GetOptions options = _command.Options;
        Assert.IsTrue(options.Stream && options.Request.AllowEmpty);
        Assert.AreEqual((600, 2, ProgressStyle.Json), (options.ExpectBytes, options.Verbosity, options.Progress));
        Assert.AreEqual(hash, Convert.ToHexStringLower(options.Sha256!));
        Run("get", "-v", "1");
        Assert.AreEqual((1, Quantity.Never, TimeSpan.FromSeconds(10)), (
            _command.Options.Verbosity, _command.Options.MaxTime, _command.Options.Request.ConnectTimeout));
    }

    [TestMethod]
    [DataRow("get --stream 1 2", "poetry get: --stream takes one ADDRESS, not 2")]
    [DataRow("get --sha256 {0} 1 2", "poetry get: --sha256 takes one ADDRESS, not 2")]
    [DataRow("get --expect-bytes 1 1 2", "poetry get: --expect-bytes takes one ADDRESS, not 2")]
    [DataRow("get --sha256 abc 1", "poetry get: --sha256: 'abc' is not a SHA-256 of 64 hexadecimal digits")]
    [DataRow("get --stream --wait 1", "poetry get: --stream writes bytes as they come: it cannot be used with --wait")]
    [DataRow("get --stream --transform a --via 2 1", "poetry get: --stream cannot be used with --transform: a poem is transformed as a whole")]
    [DataRow("get --strict-transform 1", "poetry get: --strict-transform has no effect without --transform NAME")]
    [DataRow("get --sync 1", "poetry get: --sync has no effect without --output FILE|DIRECTORY")]
    [DataRow("get --expect-bytes 10 --max-bytes 3 1", "poetry get: --max-bytes 3 refuses the 10 bytes of --expect-bytes")]
    [DataRow("get --expect-bytes 0 1", "poetry get: --expect-bytes 0 needs --allow-empty or --netstring: 0 bytes are an empty reply")]
    [DataRow("get -v -vv 1", "poetry get: --verbose has no effect beside --very-verbose: use one of the two")]
    [DataRow("get --allow-empty --netstring 1", "poetry get: --allow-empty has no effect: 0 bytes are never a netstring")]
    [DataRow("get -q --progress bars 1", "poetry get: --quiet and --progress bars contradict each other: use one of the two")]
    [DataRow("get -q --progress json 1", "poetry get: --quiet and --progress json contradict each other: use one of the two")]
    [DataRow("get -q -v 1", "poetry get: --quiet and --verbose contradict each other: use one of the two")]
    [DataRow("get --max-bytes x 1", "poetry get: --max-bytes: 'x' is not")]
    [DataRow("get --connect-timeout x 1", "poetry get: --connect-timeout: 'x' is not a time")]
    [DataRow("get --color red 1", "poetry get: --color: 'red' is not one of auto|always|never")]
    [DataRow("get a:1,,b:2", "poetry get: 'a:1,,b:2': an address is missing beside a comma")]
    [DataRow("get a:1,a:1", "poetry get: 'a:1,a:1': a:1 is there twice")]
    public void Get_WrongCombinations_AreRefused(string line, string expected)
    {
        string[] words = line.Split(' ');
        Invocation invocation = CommandLine.Parse([.. words.Select(word => word == "{0}" ? new string('a', 64) : word)]);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        StringAssert.StartsWith(invocation.Text, expected, StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("--raw", true, false, false)]
    [DataRow("--race", false, true, false)]
    [DataRow("--all-or-nothing", false, false, true)]
    public void Get_AnOptionThatDoesNotGoWithAll_IsRead(string option, bool raw, bool race, bool allOrNothing)
    {
        Run("get", option, "1");
        GetOptions options = _command.Options;
        Assert.AreEqual((raw, race, allOrNothing), (options.Raw, options.Race, options.AllOrNothing));
    }

    [TestMethod]
    [DataRow("-", null)]
    [DataRow("./-", "./-")]
    public void Get_OutputDash_IsStandardOutput(string typed, string? output)
    {
        Run("get", "-o", typed, "1");
        Assert.AreEqual(output, _command.Options.Output);
    }

    [TestMethod]
    [DataRow("auto", ProgressStyle.Auto)]
    [DataRow("lines", ProgressStyle.Lines)]
    [DataRow("bars", ProgressStyle.Bars)]
    [DataRow("none", ProgressStyle.None)]
    public void Get_ProgressStyle_IsTheWord(string word, object style)
    {
        Run("get", "--progress", word, "1");
        Assert.AreEqual(style, _command.Options.Progress);
    }

    private void Run(params string[] args) => _command = new ParsedCommand(args);
}
