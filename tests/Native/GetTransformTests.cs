using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary><c>poetry get --transform NAME --via ADDRESS</c>, from outside.</summary>
[TestClass]
public sealed class GetTransformTests : NativeTests
{
    private static byte[] LoudPoem => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Poem[..^1]).ToUpperInvariant());

    [TestMethod]
    public void Get_Transformed_PrintsWhatTheServerMadeOfIt()
    {
        NativeBinary poems = ServePoem(Poem[..^1]);
        NativeBinary transforms = Transform();
        Finished finished = Run("get", "--transform", "shout", "--via", $"{transforms.Port()}", $"{poems.Port()}", $"{poems.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(LoudPoem.Concat(LoudPoem).ToArray(), finished.Bytes);
        Assert.Contains("Got 2 poems in ", finished.Errors);
    }

    [TestMethod]
    public void Get_TransformedIntoAFile_WritesWhatTheServerMadeOfIt()
    {
        NativeBinary poems = ServePoem(Poem[..^1], "--netstring");
        NativeBinary transforms = Transform();
        Finished finished = Run(
            "get", "--netstring", "--transform", "shout", "--via", $"{transforms.Port()}", "--output", "loud.txt", $"{poems.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(LoudPoem, System.IO.File.ReadAllBytes(Folder["loud.txt"]));
    }

    [TestMethod]
    [DataRow("down", "connection refused")]
    [DataRow("closes", "closed without an answer")]
    [DataRow("cuts", "got 3 of 15 bytes")]
    [DataRow("garbage", "no netstring")]
    [DataRow("resets", "connection reset")]
    [DataRow("hangs", "timed out")]
    public void Get_TransformationThatFails_PrintsThePoemAsItCame(string fault, string reason)
    {
        using FaultServer transforms = fault switch
        {
            "closes" => FaultServer.Sending([]),
            "cuts" => FaultServer.Sending("15:her"u8.ToArray()),
            "garbage" => FaultServer.Sending("GARBAGE"u8.ToArray()),
            "resets" => FaultServer.Resetting([]),
            _ => FaultServer.Hanging([]),
        };
        int via = fault == "down" ? FaultServer.FreePort() : transforms.Port;
        NativeBinary poems = ServePoem(Poem);
        Finished finished = Run(
            "get", "--quiet", "--timeout", fault == "hangs" ? "0.5" : "30", "--transform", "shout", "--via", $"{via}", $"{poems.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(Poem, finished.Bytes);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith($"Task 1: 127.0.0.1:{poems.Port()}: shout failed, printing it as it came: transform server ", finished.Errors);
        Assert.Contains(reason, finished.Errors);
    }

    [TestMethod]
    public void Get_UnknownTransformation_PrintsThePoemAsItCame()
    {
        NativeBinary poems = ServePoem(Poem);
        Finished finished = Run("get", "--transform", "nosuch", "--via", $"{Transform().Port()}", $"{poems.Port()}");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(Poem, finished.Bytes);
        Assert.Contains("nosuch failed, printing it as it came", finished.Errors);
        Assert.Contains("Got 1 poems in ", finished.Errors);
    }

    /// <summary>A poem is sent to be transformed as soon as it is there, and printed while another is still on its way.</summary>
    [TestMethod]
    public void Get_TransformedBesideASlowOne_DoesNotWaitForIt()
    {
        using var go = new ManualResetEvent(false);
        using FaultServer slow = FaultServer.Pausing("slow "u8.ToArray(), "poem"u8.ToArray(), go);
        using FaultServer fast = FaultServer.Sending("fast poem "u8.ToArray());
        NativeBinary get = Start(new Launch("get", "--transform", "shout", "--via", $"{Transform().Port()}", slow.Address, fast.Address));
        get.Output.WaitForBytes("FAST POEM ".Length);
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual("FAST POEM SLOW POEM", Encoding.UTF8.GetString(finished.Bytes));
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    [TestMethod]
    public void Get_InterruptedWhileTheTransformationHangs_EndsAtOnce()
    {
        using FaultServer transforms = FaultServer.Hanging([]);
        NativeBinary poems = ServePoem(Poem);
        NativeBinary get = Start(new Launch("get", "--transform", "shout", "--via", transforms.Address, $"{poems.Port()}"));
        transforms.WaitForClient();
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
    }

    [TestMethod]
    [DataRow("--transform shout 1", "--via")]
    [DataRow("--via 1 1", "--transform")]
    public void Get_OneWithoutTheOther_IsWrongUsage(string line, string missing) =>
        AssertFailed(Run(["get", .. line.Split(' ')]), 2, missing);

    private NativeBinary Transform()
    {
        NativeBinary server = Start(new Launch("transform"));
        _ = server.Output.WaitForLines(1);
        return server;
    }
}
