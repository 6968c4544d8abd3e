using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry serve and signals: reload, drain, and an end that is told apart from a whole poem.</summary>
[TestClass]
public sealed class ServeSignalsTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    /// <summary>The pipe of the ready line is full and not read: the loop has not started.</summary>
    [TestMethod]
    public void Terminate_WhileTheReadyLineFindsNoReader_EndsIt()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch("serve", "--metrics", "0", "poem.txt")
        {
            Before = "mkfifo full && exec 3<>full && head -c 65536 /dev/zero >full;",
            Redirection = ">full",
        });
        server.Errors.WaitForText("serving metrics on"); // That is the last thing before the ready line.
        server.SignalUntilItEnds(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Hangup_ReadsTheFilesAgain_AndClientsInFlightKeepTheirPoem()
    {
        byte[] changed = MakePoem(700);
        NativeBinary server = ServePoem(LongPoem);
        using Socket inFlight = Wire.Connect(server.Port(), SmallBufferBytes);
        byte[] head = Wire.ReadExactly(inFlight, 1024);
        _ = Folder.Write("poem.txt", changed);
        server.Signal(Posix.SIGHUP);
        AwaitPoem(server.Port(), changed);
        Delivery rest = Wire.ReadToEnd(inFlight);
        new Delivery([.. head, .. rest.Bytes], rest.WasReset).AssertIs(LongPoem);
    }

    /// <summary>The file is rewritten in place, and the signal comes while half of it is new: no client gets a mixture.</summary>
    [TestMethod]
    public void Hangup_WhileTheFileIsRewritten_ServesOldOrNew()
    {
        const int Length = 1_000_000;
        byte[] Verse(int round) => [.. Enumerable.Repeat((byte)('a' + round), Length)];
        NativeBinary server = ServePoem(Verse(0));
        for (int round = 1; round <= 10; round++)
        {
            byte[] poem = Verse(round);
            using (FileStream file = File.OpenWrite(Folder["poem.txt"]))
            {
                file.Write(poem, 0, Length / 2);
                file.Flush();
                server.Signal(Posix.SIGHUP);
                AssertOneVerse();
                file.Write(poem, Length / 2, Length / 2);
            }

            Assert.IsTrue(SpinWait.SpinUntil(() => AssertOneVerse() == poem[0], Patience.Milliseconds), "the new poem did not come");
        }

        byte AssertOneVerse()
        {
            byte[] got = Wire.Fetch(server.Port()).Bytes;
            Assert.HasCount(Length, got);
            Assert.AreEqual(-1, got.AsSpan().IndexOfAnyExcept(got[0]), "a mixture of two poems");
            return got[0];
        }
    }

    [TestMethod]
    public void Hangup_FileGone_KeepsTheOldPoemAndSaysSo()
    {
        NativeBinary server = ServePoem(Poem);
        File.Delete(Folder["poem.txt"]);
        int said = server.Errors.Text.Length;
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("poem.txt", said);
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Hangup_OfStandardInput_KeepsThePoemAndSaysSoOnce()
    {
        NativeBinary server = Serve(new Launch("-") { Input = Poem });
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("info keeping the poem from standard input");
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        string said = server.WaitForExit().Errors;
        Assert.HasCount(2, said.Split("keeping the poem"), said);
        Assert.DoesNotContain("reloaded", said);
    }

    [TestMethod]
    public void Hangup_OneOfTwoFilesGone_StillReloadsTheOther()
    {
        byte[] changed = MakePoem(700);
        _ = Folder.Write("gone.txt", Poem);
        _ = Folder.Write("kept.txt", Poem);
        NativeBinary server = Serve("0=gone.txt", "0=kept.txt");
        int kept = server.Port(1);
        File.Delete(Folder["gone.txt"]);
        _ = Folder.Write("kept.txt", changed);
        server.Signal(Posix.SIGHUP);
        AwaitPoem(kept, changed);
        Wire.Fetch(server.Port(0)).AssertIs(Poem);
    }

    [TestMethod]
    [DataRow(Posix.SIGTERM)]
    [DataRow(Posix.SIGINT)]
    public void Terminate_WithNobodyThere_EndsWithZero(int signal)
    {
        NativeBinary server = ServePoem(Poem);
        server.Signal(signal);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Terminate_InFlight_StopsAcceptingAndFinishes(string backend)
    {
        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Serve(new Launch("--drain", "60", "poem.txt") { Environment = { ["POETRY_REACTOR"] = backend } });
        using Socket inFlight = Wire.Connect(server.Port(), SmallBufferBytes);
        byte[] head = Wire.ReadExactly(inFlight, 1024);
        server.Signal(Posix.SIGTERM);
        AwaitRefusal(server.Port());
        Delivery rest = Wire.ReadToEnd(inFlight);
        new Delivery([.. head, .. rest.Bytes], rest.WasReset).AssertIs(LongPoem);
        inFlight.Dispose();
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Terminate_OverTheDrainTime_ResetsWhoIsLeft()
    {
        NativeBinary server = ServePoem(LongPoem, "--drain", "0.5");
        using Socket stuck = Wire.Connect(server.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(stuck, 1);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsTrue(Wire.ReadToEnd(stuck).WasReset, "a poem that is not whole ended cleanly");
    }

    [TestMethod]
    public void Terminate_Twice_EndsAtOnce()
    {
        NativeBinary server = ServePoem(LongPoem, "--drain", "3600");
        using Socket stuck = Wire.Connect(server.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(stuck, 1);
        server.Signal(Posix.SIGTERM);
        AwaitRefusal(server.Port());
        server.Signal(Posix.SIGTERM);
        _ = server.WaitForExit();
        Assert.IsTrue(Wire.ReadToEnd(stuck).WasReset, "a poem that is not whole ended cleanly");
    }

    [TestMethod]
    public void Terminate_AtOnceAfterTheReadyLine_EndsWithZero()
    {
        for (int i = 0; i < 10; i++)
        {
            NativeBinary server = ServePoem(Poem);
            server.Signal(Posix.SIGHUP);
            server.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, server.WaitForExit().ExitCode, $"run {i}");
        }
    }

    [TestMethod]
    public void Terminate_ThePortIsFreeAgain()
    {
        NativeBinary first = ServePoem(Poem);
        int port = first.Port();
        Wire.Fetch(port).AssertIs(Poem);
        first.Signal(Posix.SIGTERM);
        _ = first.WaitForExit();
        NativeBinary second = ServePoem(Poem, "--port", $"{port}");
        Wire.Fetch(second.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_NobodyReadsTheLog_GoesOnServing()
    {
        _ = Folder.Write("poem.txt", Poem);
        Posix.MakeFifo(Folder["log"]);
        NativeBinary server = Start(new Launch("serve", "--log-level", "trace", "poem.txt") { Redirection = "2>log" });

        // Opening waits for the server, and closing leaves it alone with its log.
        File.OpenRead(Folder["log"]).Dispose();
        for (int i = 0; i < 100; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem);
        }
    }

    /// <summary>A log that is not read must cost its lines and not the service.</summary>
    [TestMethod]
    public void Serve_TheLogIsStuck_GoesOnServing()
    {
        _ = Folder.Write("poem.txt", Poem);
        Posix.MakeFifo(Folder["log"]);
        NativeBinary server = Start(new Launch("serve", "--log-level", "trace", "poem.txt") { Redirection = "2>log" });
        using FileStream unread = File.OpenRead(Folder["log"]);
        for (int i = 0; i < 3000; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(Poem, $"client {i}");
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>There is no other sign of a finished reload than the new poem itself.</summary>
    private static void AwaitPoem(int port, byte[] poem) =>
        Assert.IsTrue(
            SpinWait.SpinUntil(() => Wire.Fetch(port).Bytes.Length == poem.Length, Patience.Milliseconds),
            "the new poem is not served");

    private static void AwaitRefusal(int port) =>
        Assert.IsTrue(SpinWait.SpinUntil(() => Wire.IsRefused(port), Patience.Milliseconds), "it still accepts");
}
