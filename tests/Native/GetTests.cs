using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get: what it prints, in which order, and what it says of it.</summary>
[TestClass]
public sealed partial class GetTests : NativeTests
{
    private static readonly byte[] OtherPoem = MakePoem(3000);

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Get_OnePoem_PrintsItsBytesAndNothingElse(string backend)
    {
        NativeBinary server = ServePoem(LongPoem);
        Finished finished = Run(new Launch("get", $"{server.Port()}") { Environment = { ["POETRY_REACTOR"] = backend } });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(LongPoem, "standard output");
        Assert.MatchesRegex(Summary(1), finished.ErrorLines[^1]);
    }

    [TestMethod]
    public void Get_ThreePoems_PrintsEachWhole()
    {
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", OtherPoem);
        NativeBinary server = Serve("0=a.txt", "0=b.txt", "0=a.txt");
        Finished finished = Run("get", "--wait", $"{server.Port(0)}", $"localhost:{server.Port(1)}", $"127.0.0.1:{server.Port(2)}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. OtherPoem, .. Poem], "standard output");
        Assert.MatchesRegex(Summary(3), finished.ErrorLines[^1]);
    }

    [TestMethod]
    public void Get_TheSameServerTwice_IsTwoTasks()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run("get", $"{server.Port()}", $"{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. Poem], "standard output");
        Assert.Contains("Task 2: got ", finished.Errors);
    }

    [TestMethod]
    public void Get_AFastAndASlowServer_PrintsTheFastPoemWhileTheOtherIsUnderWay()
    {
        using var go = new ManualResetEvent(false);
        FaultServer slow = Own(FaultServer.Pausing(OtherPoem[..100], OtherPoem[100..], go));
        FaultServer fast = Own(FaultServer.Sending(Poem));
        NativeBinary get = Start(new Launch("get", slow.Address, fast.Address));
        get.Output.WaitForBytes(Poem.Length);
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. OtherPoem], "standard output");
    }

    [TestMethod]
    public void Get_Wait_PrintsAllAtTheEndInTheOrderOfTheAddresses()
    {
        using var go = new ManualResetEvent(false);
        FaultServer slow = Own(FaultServer.Pausing(OtherPoem[..100], OtherPoem[100..], go));
        FaultServer fast = Own(FaultServer.Sending(Poem));
        NativeBinary get = Start(new Launch("get", "--wait", "--progress", "lines", slow.Address, fast.Address));
        get.Errors.WaitForText($"from {fast.Address}");
        Assert.IsEmpty(get.Output.Bytes, "a poem was printed before all had come");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. OtherPoem, .. Poem], "standard output");
    }

    [TestMethod]
    public void Get_AnEmptyPoem_IsAPoem()
    {
        NativeBinary server = ServePoem([]);
        Finished finished = Run("get", "--allow-empty", $"{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.MatchesRegex(Summary(1), finished.ErrorLines[^1]);
    }

    [TestMethod]
    public void Get_ProgressLines_AddUpToThePoem()
    {
        NativeBinary server = ServePoem(LongPoem);
        Finished finished = Run("get", "--progress", "lines", $"localhost:{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        MatchCollection pieces = Piece().Matches(finished.Errors);
        Assert.AreEqual(LongPoem.Length, pieces.Sum(piece => int.Parse(piece.Groups[2].ValueSpan, CultureInfo.InvariantCulture)));
        foreach (Match piece in pieces)
        {
            Assert.AreEqual("1", piece.Groups[1].Value);
            Assert.AreEqual($"localhost:{server.Port()}", piece.Groups[3].Value, "the address is not as it was typed");
        }
    }

    [TestMethod]
    public void Get_NotOnATerminal_ShowsProgressInLinesWithTheDefaultHostFilledIn()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run("get", $"{server.Port()}");
        Assert.Contains($"Task 1: got {Poem.Length} bytes of poetry from 127.0.0.1:{server.Port()}\n", finished.Errors);
        Assert.DoesNotContain("\u001b", finished.Errors);
        Assert.DoesNotContain("\r", finished.Errors);
    }

    [TestMethod]
    public void Get_ProgressNone_StillTellsTheSum()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run("get", "--progress", "none", $"{server.Port()}");
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.MatchesRegex(Summary(1), finished.ErrorLines[0]);
    }

    [TestMethod]
    public void Get_Quiet_SaysNothing()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run("get", "--quiet", $"{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode);
        Assert.IsEmpty(finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    public void Get_Netstring_UnpacksThePoem()
    {
        NativeBinary server = ServePoem(LongPoem, "--netstring");
        Finished finished = Run("get", "--quiet", "--netstring", $"{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(LongPoem, "standard output");
    }

    [TestMethod]
    public void Get_ControlCharactersIntoAPipe_ComeThroughUnchanged()
    {
        byte[] rude = Encoding.UTF8.GetBytes("\u001b]0;title\u0007\u001b[2Jverse\r\n\0end");
        NativeBinary server = ServePoem(rude);
        new Delivery(Run("get", "--quiet", $"{server.Port()}").Bytes, WasReset: false).AssertIs(rude, "standard output");
    }

    [TestMethod]
    public void Get_ANameWithSeveralAddresses_TriesEachInTurn()
    {
        NativeBinary server = ServePoem(Poem, "--iface", "127.0.0.1");
        Finished finished = Run("get", "--quiet", $"localhost:{server.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    /// <summary>The last line, for so many poems.</summary>
    private static string Summary(int poems) => $"^Got {poems} poems? in [0-9]+(\\.[0-9]+)? seconds\\.$";

    [GeneratedRegex("^Task ([0-9]+): got ([0-9]+) bytes of poetry from (.+)$", RegexOptions.Multiline)]
    private static partial Regex Piece();
}
