using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get and all that can go wrong: a failure costs its own poem, is told in one line, and is an exit code.</summary>
[TestClass]
public sealed class GetFailureTests : NativeTests
{
    [TestMethod]
    public void Get_OneServerOfThreeIsDown_CostsOnlyItsPoem()
    {
        int closed = FaultServer.FreePort();
        FaultServer first = Own(FaultServer.Sending(Poem));
        FaultServer third = Own(FaultServer.Sending(Poem));
        Finished finished = Run("get", "--wait", first.Address, $"{closed}", third.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.Contains($"Task 2: 127.0.0.1:{closed}: connection refused\n", finished.Errors);
        Assert.StartsWith("Got 2 poems in ", finished.ErrorLines[^1]);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. Poem], "standard output");
    }

    [TestMethod]
    public void Get_QuietAndRefused_StillTellsTheFailure()
    {
        int closed = FaultServer.FreePort();
        Finished finished = Run("get", "--quiet", $"localhost:{closed}");
        Assert.AreEqual(1, finished.ExitCode);
        Assert.AreEqual($"Task 1: localhost:{closed}: connection refused\n", finished.Errors);
    }

    [TestMethod]
    public void Get_AResetInMidPoem_PrintsNothingOfIt()
    {
        FaultServer server = Own(FaultServer.Resetting(Poem));
        Finished finished = Run("get", "--quiet", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes, "a part of a poem was printed");
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith($"Task 1: {server.Address}: ", finished.Errors);
    }

    [TestMethod]
    public void Get_AServerThatHangs_FailsAfterTheTimeout()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        Finished finished = Run("get", "--quiet", "--timeout", "200ms", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith($"Task 1: {server.Address}: ", finished.Errors);
    }

    /// <summary>As by Ctrl-Z: the time-out is over when it goes on, and the poem is there.</summary>
    [TestMethod]
    public void Get_StoppedForLongerThanTheTimeout_ReadsWhatHasComeMeanwhile()
    {
        using var go = new ManualResetEvent(false);
        using var sent = new ManualResetEvent(false);
        FaultServer server = Own(new FaultServer((client, _) =>
        {
            _ = client.Send(Poem[..100]);
            Assert.IsTrue(go.WaitOne(Patience.Milliseconds));
            _ = client.Send(Poem[100..]);
            client.Shutdown(SocketShutdown.Send);
            sent.Set();
        }));
        FaultServer clock = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--progress", "lines", "--timeout", "500ms", server.Address));
        get.Errors.WaitForText("got 100 bytes");
        get.Signal(Posix.SIGSTOP);
        Assert.AreEqual(1, Run("get", "--timeout", "500ms", clock.Address).ExitCode, "so long it takes for a time-out to run out");
        _ = go.Set();
        Assert.IsTrue(sent.WaitOne(Patience.Milliseconds));
        get.Signal(Posix.SIGCONT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    [DataRow("600:half a poem", DisplayName = "cut off")]
    [DataRow("", DisplayName = "nothing at all")]
    [DataRow("6", DisplayName = "cut off in its length")]
    [DataRow("5:verse", DisplayName = "no comma")]
    [DataRow("5:verse;", DisplayName = "another end")]
    [DataRow("05:verse,", DisplayName = "leading zero")]
    [DataRow("-5:verse,", DisplayName = "negative")]
    [DataRow(" 5:verse,", DisplayName = "space before it")]
    [DataRow("verse", DisplayName = "no netstring")]
    [DataRow("99999999999999999999:verse,", DisplayName = "longer than any poem")]
    public void Get_ABadNetstring_IsAFailureAndNotAPoem(string sent)
    {
        FaultServer server = Own(FaultServer.Sending(Encoding.ASCII.GetBytes(sent)));
        Finished finished = Run("get", "--quiet", "--netstring", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes, "what did not come whole was printed");
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
    }

    /// <summary>The end of the frame is the end of the poem. The rest is sent when the first part has been read.</summary>
    [TestMethod]
    [DataRow("{0}")]
    [DataRow("--retry 1 {0}")]
    [DataRow("--race {0} {0}")]
    [DataRow("--stream {0}")]
    [DataRow("127.0.0.1:1,{0}")]
    public void Get_WhatFollowsTheFrame_IsIgnored_InEverySplit(string arguments)
    {
        byte[] wire = "3:abc,xx"u8.ToArray();
        int split = 0;
        FaultServer server = Own(new FaultServer((client, number) =>
        {
            // The client has its poem before the rest is sent, and the test may go on.
            int at = split;
            client.NoDelay = true;
            _ = client.Send(wire.AsSpan(0, at));
            _ = client.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead);
            _ = client.Send(wire.AsSpan(at));
            client.Shutdown(SocketShutdown.Send);
        }));
        for (; split <= wire.Length; split++)
        {
            string words = string.Format(CultureInfo.InvariantCulture, arguments, server.Address);
            Finished finished = Run(["get", "--quiet", "--netstring", .. words.Split(' ')]);
            Assert.AreEqual("", finished.Errors, $"split at {split}");
            Assert.AreEqual(0, finished.ExitCode, $"split at {split}");
            Assert.AreEqual("abc", Encoding.ASCII.GetString(finished.Bytes), $"split at {split}");
        }
    }

    [TestMethod]
    public void Get_Retry_FetchesAgainAfterAReset()
    {
        FaultServer server = Own(new FaultServer((client, number) =>
        {
            if (number == 1)
            {
                FaultServer.SendAndReset(client, Poem[..100]);
            }
            else
            {
                _ = client.Send(Poem);
                client.Shutdown(SocketShutdown.Send);
            }
        }));
        Finished finished = Run("get", "--retry", "2", server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    public void Get_Retry_LooksUpAgainAfterAFailedLookUp()
    {
        Finished finished = Run("get", "-v", "--retry", "1", "nosuch.invalid:10001");
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        string[] failures = [.. finished.ErrorLines.Where(line => line.StartsWith("Task 1: nosuch.invalid:10001: ", StringComparison.Ordinal))];
        Assert.HasCount(2, failures, finished.Errors);
        Assert.EndsWith(", trying again in 0.5 s", failures[0]);
        Assert.StartsWith(failures[1], failures[0]);
    }

    [TestMethod]
    public void Get_RetryUsedUp_FailsOnce()
    {
        FaultServer server = Own(FaultServer.Resetting([]));
        Finished finished = Run("get", "--quiet", "--retry", "1", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        server.WaitForClient();
        server.WaitForClient();
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
    }

    [TestMethod]
    public void Get_WithoutRetry_AsksOnce()
    {
        int asked = 0;
        FaultServer server = Own(new FaultServer((client, number) =>
        {
            asked = number;
            FaultServer.SendAndReset(client, []);
        }));
        Assert.AreEqual(1, Run("get", "--quiet", server.Address).ExitCode);
        Assert.AreEqual(1, asked);
    }

    [TestMethod]
    public void Get_ReaderGone_EndsQuietly()
    {
        NativeBinary server = ServePoem(LongPoem);
        NativeBinary get = Start(new Launch("get", "--quiet", $"{server.Port()}"));
        _ = get.Output.WaitForLines(1);
        get.Output.HangUp();
        Finished finished = get.WaitForExit();
        Assert.IsEmpty(finished.Errors, "it complained of its reader");
    }

    [TestMethod]
    [DataRow("head -n 1")]
    [DataRow("head -c 1")]
    [DataRow("true")]
    public void Get_IntoAPipeThatCloses_EndsQuietly(string reader)
    {
        NativeBinary server = ServePoem(LongPoem);
        Finished finished = Run(new Launch("get", "--quiet", $"{server.Port()}") { Redirection = $"| {reader} >/dev/null" });
        Assert.IsEmpty(finished.Errors, "it complained of its reader");
    }

    [TestMethod]
    public void Get_DeviceFull_FailsInOneLine()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run(new Launch("get", "--quiet", $"{server.Port()}") { Redirection = ">/dev/full" });
        AssertFailed(finished, 1, "no space left on device");
    }

    [TestMethod]
    public void Get_DeviceFullForErrors_StillPrintsThePoem()
    {
        NativeBinary server = ServePoem(Poem);
        Finished finished = Run(new Launch("get", $"{server.Port()}") { Redirection = "2>/dev/full" });
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    [DataRow("<&-")]
    [DataRow("2>&-")]
    [DataRow("<&- 2>&-")]
    public void Get_ClosedDescriptors_ThePoemAloneComes(string redirection)
    {
        NativeBinary server = ServePoem(LongPoem);
        Finished finished = Run(new Launch("get", $"{server.Port()}") { Redirection = redirection });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(LongPoem, "standard output");
    }

    /// <summary>A long poem is written to a second opening of the descriptor, which must not hide that the first cannot be written.</summary>
    [TestMethod]
    [DataRow("<&- >&-", false, false)]
    [DataRow(">&-", true, false)]
    [DataRow("<&- >&-", true, false)]
    [DataRow(">&-", true, true)]
    [DataRow("1</dev/null", true, false)]
    public void Get_StandardOutputClosed_Fails(string redirection, bool isLong, bool streams)
    {
        FaultServer server = Own(FaultServer.Sending(isLong ? LongPoem : Poem));
        string[] options = streams ? ["--quiet", "--stream"] : ["--quiet"];
        Finished finished = Run(new Launch(["get", .. options, server.Address]) { Redirection = redirection });
        AssertFailed(finished, 1, "cannot write standard output");
    }

    /// <summary>
    /// Without its three descriptors the server can't tell us that it is ready; but a client that tries again finds out.
    /// Its log must not end up in the first socket, which the kernel would have given descriptor 0, 1 or 2.
    /// </summary>
    [TestMethod]
    [DataRow("<&- >&- 2>&-")]
    [DataRow("<&- >&-")]
    [DataRow(">&- 2>&-")]
    public void Serve_ClosedDescriptors_ThePoemAloneComes(string redirection)
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = Start(new Launch("serve", "--log-level", "trace", "unix:poem.sock=poem.txt") { Redirection = redirection });
        Finished finished = Run("get", "--quiet", "--retry", "6", "unix:poem.sock");
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Wire.Fetch(Path.Combine(Folder.Path, "poem.sock")).AssertIs(Poem);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    /// <summary>With descriptors for one download at a time the second is asked when the first is whole.</summary>
    [TestMethod]
    [DataRow("--wait")]
    [DataRow("--all-or-nothing")]
    public void Get_InterruptedWhileAPoemWaits_DoesNotPrintIt(string option)
    {
        FaultServer whole = Own(FaultServer.Sending(Poem));
        FaultServer hanging = Own(FaultServer.Hanging([]));
        NativeBinary get = Start(new Launch("get", "--quiet", option, whole.Address, hanging.Address) { Before = "ulimit -n 12;" });
        hanging.WaitForClient();
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.IsEmpty(finished.Errors);
    }

    [TestMethod]
    public void Get_Interrupted_EndsWith130()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--progress", "lines", server.Address));
        get.Errors.WaitForText("Task 1: got ");
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes, "a part of a poem was printed");
    }
}
