using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get --all-or-nothing: every poem at the end, or the first failure and no poem.</summary>
[TestClass]
public sealed class GetAllOrNothingTests : NativeTests
{
    private static readonly byte[] OtherPoem = MakePoem(3000);

    [TestMethod]
    public void AllOrNothing_AllCome_ArePrintedAtTheEndInTheirOrder()
    {
        using var go = new ManualResetEvent(false);
        FaultServer slow = Own(FaultServer.Pausing(OtherPoem[..100], OtherPoem[100..], go));
        FaultServer fast = Own(FaultServer.Sending(Poem));
        NativeBinary get = Start(new Launch("get", "--all-or-nothing", "--progress", "lines", slow.Address, fast.Address));
        get.Errors.WaitForText("Task 2: got ");
        Assert.IsEmpty(get.Output.Bytes, "a poem was printed before all had come");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. OtherPoem, .. Poem], "standard output");
        Assert.StartsWith("Got 2 poems in ", finished.ErrorLines[^1]);
    }

    /// <summary>One has come, one is under way and one fails: the failure is all that is heard of the three.</summary>
    [TestMethod]
    [DataRow(false, DisplayName = "standard output")]
    [DataRow(true, DisplayName = "a directory")]
    public void AllOrNothing_OneFails_CancelsTheOthersAndWritesNothing(bool isDirectory)
    {
        using var go = new ManualResetEvent(false);
        ManualResetEvent isReset = Own(new ManualResetEvent(false));
        FaultServer whole = Own(FaultServer.Sending(Poem));
        FaultServer slow = Own(GetRaceTests.Losing(isReset));
        FaultServer broken = Own(new FaultServer((client, number) =>
        {
            _ = client.Send(Poem);
            Assert.IsTrue(go.WaitOne(Patience.Milliseconds));
            Wire.Reset(client);
        }));
        _ = Directory.CreateDirectory(Folder["got"]);
        _ = Folder.Write($"got/127.0.0.1_{whole.Port}.txt", "as it was");
        string[] output = isDirectory ? ["-o", "got"] : ["-o", "-"];
        NativeBinary get = Start(new Launch(
            ["get", "--all-or-nothing", "--progress", "lines", .. output, whole.Address, slow.Address, broken.Address]));
        get.Errors.WaitForText("Task 1: got ");
        get.Errors.WaitForText("Task 2: got ");
        get.Errors.WaitForText("Task 3: got ");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.IsTrue(isReset.WaitOne(Patience.Milliseconds), "what was under way was not cancelled");
        Assert.Contains($"Task 3: {broken.Address}: ", finished.Errors);
        Assert.DoesNotContain($"{slow.Address}: ", finished.Errors, "it was cancelled, but it did not fail");
        Assert.StartsWith("Got 0 poems in ", finished.ErrorLines[^1]);
        Assert.HasCount(1, Directory.GetFileSystemEntries(Folder["got"]));
        Assert.AreEqual("as it was", File.ReadAllText(Folder[$"got/127.0.0.1_{whole.Port}.txt"]));
    }

    [TestMethod]
    public void AllOrNothing_IntoFiles_TheyHaveTheirNamesWhenAllHaveCome()
    {
        using var go = new ManualResetEvent(false);
        FaultServer fast = Own(FaultServer.Sending(Poem));
        FaultServer slow = Own(FaultServer.Pausing(OtherPoem[..100], OtherPoem[100..], go));
        _ = Directory.CreateDirectory(Folder["got"]);

        // One at a time: the second is asked only when the first is whole.
        NativeBinary get = Start(new Launch("get", "--all-or-nothing", "-o", "got", fast.Address, slow.Address) { Before = Limit(14) });
        slow.WaitForClient();
        Assert.IsEmpty(Directory.GetFiles(Folder["got"], "127*"), "a file has its name before all are whole");
        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.HasCount(2, Directory.GetFileSystemEntries(Folder["got"]));
        AssertFile($"got/127.0.0.1_{fast.Port}.txt", Poem);
        AssertFile($"got/127.0.0.1_{slow.Port}.txt", OtherPoem);
    }

    [TestMethod]
    public void AllOrNothing_IntoMoreFilesThanDescriptors_WritesThemAll()
    {
        NativeBinary server = ServePoem(Poem);
        string[] addresses = [.. Enumerable.Repeat($"{server.Port()}", 40)];
        _ = Directory.CreateDirectory(Folder["got"]);
        Finished finished = Run(new Launch(["get", "--all-or-nothing", "-o", "got", .. addresses]) { Before = Limit(16) });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.HasCount(40, Directory.GetFiles(Folder["got"]));
    }

    /// <summary>With descriptors for one download at a time, no other download starts after the failed one.</summary>
    [TestMethod]
    public void AllOrNothing_FailedBeforeTheOthersHadTheirTurn_DoesNotAskThem()
    {
        FaultServer other = Own(new FaultServer((client, number) => client.Send([(byte)number])));
        Finished finished = Run(new Launch("get", "--all-or-nothing", "--quiet", $"{FaultServer.FreePort()}", other.Address, other.Address)
        {
            Before = Limit(12),
        });
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);

        // Clients are taken in the order in which they came, so ours would not be the first.
        using Socket self = Wire.Connect(other.Port);
        Assert.AreEqual(1, Wire.ReadExactly(self, 1)[0]);
    }

    /// <summary>The last failure there can be: what has not got its name by then does not get it.</summary>
    [TestMethod]
    public void AllOrNothing_OneCannotHaveItsName_TheRestIsNotWritten()
    {
        FaultServer first = Own(FaultServer.Sending(Poem));
        FaultServer second = Own(FaultServer.Sending(Poem));
        _ = Directory.CreateDirectory(Folder[$"got/127.0.0.1_{first.Port}.txt/in-the-way"]);
        Finished finished = Run("get", "--all-or-nothing", "--quiet", "-o", "got", first.Address, second.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.Contains("cannot write ", finished.Errors);
        Assert.HasCount(1, Directory.GetFileSystemEntries(Folder["got"]));
    }

    /// <summary>A name is lost while the poems come: what was there before is there afterwards.</summary>
    [TestMethod]
    [DataRow("directory")]
    [DataRow("EXDEV")]
    [DataRow("EROFS")]
    [DataRow("EXDEV, no second names")]
    public void AllOrNothing_ANameIsLostAtTheEnd_TheOthersAreUndone(string fault)
    {
        using var go = new ManualResetEvent(false);
        FaultServer[] servers = [.. Enumerable.Range(0, 3).Select(_ => Own(FaultServer.Pausing(Poem[..100], Poem[100..], go)))];
        string[] names = [.. servers.Select(server => $"got/127.0.0.1_{server.Port}.txt")];
        string[] addresses = [.. servers.Select(server => server.Address)];
        _ = Directory.CreateDirectory(Folder["got"]);
        _ = Folder.Write(names[0], "old");
        string[] inject = fault == "directory" ? []
            : fault.EndsWith("names", StringComparison.Ordinal) ? ["-e", "inject=link:error=EPERM", "-e", "inject=rename:error=EXDEV:when=3"]
            : ["-e", $"inject=rename:error={fault}:when=3"];
        NativeBinary get = Start(new Launch(["get", "--all-or-nothing", "--progress", "json", "-o", "got", .. addresses])
        {
            Through = inject.Length == 0 ? [] : [Posix.Tool("strace"), "-D", "-f", "-qq", "-o", Folder["trace"], .. inject],
        });
        get.Errors.WaitForText("{\"event\":\"bytes\",\"task\":3");
        if (fault == "directory")
        {
            _ = Directory.CreateDirectory(Folder[$"{names[2]}/in-the-way"]);
        }

        _ = go.Set();
        Finished finished = get.WaitForExit();
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        JsonElement[] ends = GetProgressTests.EndsOf(finished, tasks: 3);
        Assert.AreEqual("another download failed", ends[0].GetProperty("error").GetString());
        string error = ends[2].GetProperty("error").GetString()!;
        Assert.StartsWith($"cannot write {names[2]}: ", error);
        bool stays = fault.EndsWith("names", StringComparison.Ordinal);
        Assert.AreEqual(stays, error.EndsWith($"; replaced all the same: {names[0]}, {names[1]}", StringComparison.Ordinal), error);
        Assert.AreEqual(stays ? Encoding.UTF8.GetString(Poem) : "old", File.ReadAllText(Folder[names[0]]));
        Assert.HasCount(stays || fault == "directory" ? 2 : 1, Directory.GetFileSystemEntries(Folder["got"]));
    }

    [TestMethod]
    public void AllOrNothing_Retry_OneThatComesInTheEndHasNotFailed()
    {
        FaultServer whole = Own(FaultServer.Sending(Poem));
        FaultServer late = Own(new FaultServer((client, number) =>
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
        Finished finished = Run("get", "--all-or-nothing", "--retry", "1", whole.Address, late.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs([.. Poem, .. Poem], "standard output");
    }

    [TestMethod]
    public void AllOrNothing_Interrupted_EndsWith130AndLeavesNothing()
    {
        FaultServer whole = Own(FaultServer.Sending(Poem));
        FaultServer hanging = Own(FaultServer.Hanging(Poem));
        _ = Directory.CreateDirectory(Folder["got"]);
        NativeBinary get = Start(new Launch("get", "--all-or-nothing", "-o", "got", whole.Address, hanging.Address) { Before = Limit(14) });
        hanging.WaitForClient();
        get.Signal(Posix.SIGINT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(130, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(Directory.GetFileSystemEntries(Folder["got"]));
    }

    private static string Limit(int descriptors) => string.Create(CultureInfo.InvariantCulture, $"ulimit -n {descriptors};");

    private void AssertFile(string name, byte[] poem) =>
        new Delivery(File.ReadAllBytes(Folder[name]), WasReset: false).AssertIs(poem, name);
}
