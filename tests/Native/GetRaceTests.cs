using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get --race: the first whole poem is written, and the other downloads are cancelled at once.</summary>
[TestClass]
public sealed class GetRaceTests : NativeTests
{
    /// <summary>More than a pipe holds.</summary>
    private static readonly byte[] WidePoem = MakePoem(1 << 20);

    /// <summary>
    /// The reader of the winner's poem takes one byte of it, and no more until the loser has seen its end: so that end
    /// waits neither for the poem nor for the process.
    /// </summary>
    [TestMethod]
    public void Race_TheFirstIsWhole_TheOthersAreResetBeforeItIsRead()
    {
        using var go = new ManualResetEvent(false);
        ManualResetEvent isReset = Own(new ManualResetEvent(false));
        FaultServer fast = Own(FaultServer.Pausing(WidePoem[..100], WidePoem[100..], go));
        FaultServer slow = Own(Losing(isReset));
        Posix.MakeFifo(Folder["stuck"]);
        using var reader = new FileStream(Folder["stuck"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        NativeBinary get = Start(new Launch("get", "--race", "--progress", "lines", slow.Address, fast.Address) { Redirection = "> stuck" });
        get.Errors.WaitForText("Task 1: got ");
        _ = go.Set();
        byte[] poem = new byte[WidePoem.Length];
        poem[0] = (byte)reader.ReadByte();
        Assert.IsTrue(isReset.WaitOne(Patience.Milliseconds), "the loser was not let go");
        reader.ReadExactly(poem.AsSpan(1));
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(poem, WasReset: false).AssertIs(WidePoem, "standard output");
        Assert.StartsWith("Got 1 poems in ", finished.ErrorLines[^1]);
        Assert.DoesNotContain($"{slow.Address}: ", finished.Errors, "it lost, but it did not fail");
    }

    [TestMethod]
    public void Race_FailuresBefore_AreToldAndCostNothing()
    {
        int closed = FaultServer.FreePort();
        using var go = new ManualResetEvent(false);
        FaultServer server = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        NativeBinary get = Start(new Launch("get", "--race", "--quiet", $"{closed}", server.Address));
        get.Errors.WaitForText("connection refused");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual($"Task 1: 127.0.0.1:{closed}: connection refused\n", finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    public void Race_AllFail_IsAFailure()
    {
        FaultServer server = Own(FaultServer.Resetting(Poem));
        Finished finished = Run("get", "--race", $"{FaultServer.FreePort()}", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.Contains("Task 1: ", finished.Errors);
        Assert.Contains($"Task 2: {server.Address}: ", finished.Errors);
        Assert.StartsWith("Got 0 poems in ", finished.ErrorLines[^1]);
    }

    [TestMethod]
    [DataRow(false, DisplayName = "a file")]
    [DataRow(true, DisplayName = "a directory")]
    public void Race_Output_HoldsTheWinnersPoemAlone(bool isDirectory)
    {
        using var go = new ManualResetEvent(false);
        ManualResetEvent isReset = Own(new ManualResetEvent(false));
        FaultServer fast = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        FaultServer slow = Own(Losing(isReset));
        _ = Directory.CreateDirectory(Folder["got"]);
        string output = isDirectory ? "got" : "got/poem.txt";
        NativeBinary get = Start(new Launch("get", "--race", "--progress", "lines", "-o", output, slow.Address, fast.Address));
        get.Errors.WaitForText("Task 1: got ");
        get.Errors.WaitForText("Task 2: got ");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsTrue(isReset.WaitOne(Patience.Milliseconds), "the loser was not let go");
        string name = isDirectory ? $"127.0.0.1_{fast.Port}.txt" : "poem.txt";
        CollectionAssert.AreEqual(new[] { Folder[$"got/{name}"] }, Directory.GetFileSystemEntries(Folder["got"]));
        new Delivery(File.ReadAllBytes(Folder[$"got/{name}"]), WasReset: false).AssertIs(Poem, name);
    }

    /// <summary>A poem that can't be given its name has not come: the race goes on.</summary>
    [TestMethod]
    public void Race_TheFirstCannotBeWritten_TheNextOneWins()
    {
        using var goFirst = new ManualResetEvent(false);
        using var go = new ManualResetEvent(false);
        FaultServer first = Own(FaultServer.Pausing(Poem[..100], Poem[100..], goFirst));
        FaultServer second = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        _ = Directory.CreateDirectory(Folder["got"]);
        NativeBinary get = Start(new Launch("get", "--race", "--quiet", "-o", "got", first.Address, second.Address));
        first.WaitForClient();
        _ = Directory.CreateDirectory(Folder[$"got/127.0.0.1_{first.Port}.txt/in-the-way"]);
        _ = goFirst.Set();
        get.Errors.WaitForText("cannot write ");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.HasCount(2, Directory.GetFileSystemEntries(Folder["got"]));
        new Delivery(File.ReadAllBytes(Folder[$"got/127.0.0.1_{second.Port}.txt"]), WasReset: false).AssertIs(Poem, "the file");
    }

    /// <summary>Whole is what has been transformed: the first poem here is never answered.</summary>
    [TestMethod]
    public void Race_Transformed_IsWonByTheFirstThatIsTransformed()
    {
        using var go = new ManualResetEvent(false);
        FaultServer first = Own(FaultServer.Sending(Poem));
        FaultServer second = Own(FaultServer.Pausing(Poem[..100], Poem[100..], go));
        FaultServer transforms = Own(new FaultServer((client, number) =>
        {
            if (number == 2)
            {
                _ = client.Send("5:VERSE,"u8);
                client.Shutdown(SocketShutdown.Send);
            }
        }));
        NativeBinary get = Start(new Launch(
            "get", "--race", "--transform", "shout", "--via", transforms.Address, first.Address, second.Address));
        transforms.WaitForClient();
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual("VERSE", Encoding.UTF8.GetString(finished.Bytes));
        Assert.DoesNotContain($"{first.Address}: ", finished.Errors);
    }

    /// <summary>With descriptors for one download at a time, no other download starts after the winner.</summary>
    [TestMethod]
    public void Race_WonBeforeTheOthersHadTheirTurn_DoesNotAskThem()
    {
        FaultServer fast = Own(FaultServer.Sending(Poem));
        FaultServer other = Own(new FaultServer((client, number) => client.Send([(byte)number])));
        Finished finished = Run(new Launch("get", "--race", "--quiet", fast.Address, other.Address, other.Address)
        {
            Before = "ulimit -n 12;",
        });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");

        // Clients are taken in the order in which they came, so ours would not be the first.
        using Socket self = Wire.Connect(other.Port);
        Assert.AreEqual(1, Wire.ReadExactly(self, 1)[0]);
    }

    [TestMethod]
    public void Race_Interrupted_EndsWith130AndLeavesNothing()
    {
        FaultServer first = Own(FaultServer.Hanging(Poem));
        FaultServer second = Own(FaultServer.Hanging(Poem));
        NativeBinary get = Start(new Launch("get", "--race", "--progress", "lines", "-o", "got.txt", first.Address, second.Address));
        get.Errors.WaitForText("Task 1: got ");
        get.Errors.WaitForText("Task 2: got ");
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(Folder.Names, string.Join(' ', Folder.Names));
    }

    /// <summary>Racers would mix their poems in a device, and what waits for others would not have waited.</summary>
    [TestMethod]
    [DataRow("--race")]
    [DataRow("--all-or-nothing")]
    public void Get_IntoADevice_IsRefused(string option) =>
        AssertFailed(Run("get", option, "-o", "/dev/null", "1"), 2, "/dev/null");

    /// <summary>Sends a part, and tells of the reset that is all that may follow.</summary>
    internal static FaultServer Losing(EventWaitHandle isReset) => new((client, number) =>
    {
        _ = client.Send(Poem.AsSpan(0, 100));
        Wire.WaitForReset(client);
        _ = isReset.Set();
    });
}
