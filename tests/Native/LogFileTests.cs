using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary><c>--log-file</c> of the published executable.</summary>
[TestClass]
public sealed class LogFileTests : NativeTests
{
    [TestMethod]
    public void LogFile_HasTheRecords_AndStandardErrorHasNone()
    {
        _ = Folder.Write("log", "a line from before\n");
        NativeBinary server = ServePoem(Poem, "--log-file", "log");
        Wire.Fetch(server.Port()).AssertIs(Poem);
        WaitForLine("log", "served 600 of 600");
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode);
        Assert.IsEmpty(finished.Errors);
        Assert.StartsWith("a line from before\n2", File.ReadAllText(Folder["log"]));
    }

    /// <summary>What logrotate does: the file is moved, and the server told. The new file is there at once.</summary>
    [TestMethod]
    [DynamicData(nameof(CommandNames.Servers), typeof(CommandNames))]
    public void LogFile_MovedAndSignalled_IsReopened(string command)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch([command, "--log-file", "log", .. CommandNames.OperandsOf(command)]));
        _ = server.Output.WaitForLines(1);
        File.Move(Folder["log"], Folder["log.1"]);
        server.Signal(Posix.SIGUSR2);
        Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(Folder["log"]), Patience.Milliseconds));
        server.Signal(Posix.SIGUSR1);
        WaitForLine("log", "statistics: ");
        Assert.DoesNotContain("statistics: ", File.ReadAllText(Folder["log.1"]));
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>Its directory has gone for a while: nothing is lost, and standard error says why the file is not where it should be.</summary>
    [TestMethod]
    public void LogFile_CannotBeReopened_GoesOnAndTriesAgain()
    {
        _ = Directory.CreateDirectory(Folder["logs"]);
        NativeBinary server = ServePoem(Poem, "--log-file", "logs/log");
        Directory.Move(Folder["logs"], Folder["moved"]);
        server.Signal(Posix.SIGUSR2);
        server.Errors.WaitForText("poetry: cannot open log file logs/log: no such file or directory\n");
        server.Signal(Posix.SIGUSR1);
        WaitForLine("moved/log", "statistics: ");
        _ = Directory.CreateDirectory(Folder["logs"]);
        Assert.IsTrue(SpinWait.SpinUntil(
            () =>
            {
                Wire.Fetch(server.Port()).AssertIs(Poem);
                return File.Exists(Folder["logs/log"]);
            },
            Patience.Milliseconds));
        WaitForLine("logs/log", "served 600 of 600");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("nosuch/log", "no such file or directory")]
    [DataRow(".", "is a directory")]
    [DataRow("fifo", "no such device or address")]
    public void LogFile_CannotBeOpened_IsRefusedAtTheStart(string path, string reason)
    {
        _ = Folder.Write("poem.txt", Poem);
        Posix.MakeFifo(Folder["fifo"]);
        AssertFailed(Run("serve", "--log-file", path, "poem.txt"), 1, $"poetry: cannot open log file {path}: {reason}\n");
    }

    /// <summary>The disk is full, then it is not: a poem costs nothing, standard error has a line for each change, the metrics count.</summary>
    [TestMethod]
    [DataRow("serve")]
    [DataRow("slow-serve")]
    [DataRow("transform")]
    [DataRow("proxy")]
    public void LogFile_OnAFullDisk_IsSaidOnceAndCounted(string command)
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = File.CreateSymbolicLink(Folder["log"], "/dev/full");
        NativeBinary upstream = ServePoem(Poem);
        string[] argument = command == "transform" ? [] : command == "proxy" ? [$"{upstream.Port()}"] : ["poem.txt"];
        NativeBinary server = Start(new Launch([command, "--log-file", "log", "--metrics", "unix:metrics", .. argument]));
        _ = server.Output.WaitForLines(1);
        for (int i = 0; i < 5; i++)
        {
            server.Signal(Posix.SIGUSR1);
            server.Errors.WaitForText("poetry: cannot write log file log: no space left on device\n");
            Assert.IsTrue(SpinWait.SpinUntil(() => DroppedRecords() > i, Patience.Milliseconds));
        }

        File.Delete(Folder["log"]);
        server.Signal(Posix.SIGUSR2);
        Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(Folder["log"]), Patience.Milliseconds));
        double dropped = DroppedRecords();
        server.Signal(Posix.SIGUSR1);
        WaitForLine("log", $"dropped {dropped} log records");
        Assert.AreEqual(dropped, DroppedRecords());
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode);
        Assert.AreEqual(
            "poetry: cannot write log file log: no space left on device\n"
                + $"poetry: writing log file log works again, {dropped} records were dropped\n",
            finished.Errors);
    }

    /// <summary>SIGUSR2 without a log file changes nothing.</summary>
    [TestMethod]
    public void SignalWithoutALogFile_IsIgnored()
    {
        NativeBinary server = ServePoem(Poem);
        server.Signal(Posix.SIGUSR2);
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>The configuration of the handbook, with the real program.</summary>
    [TestMethod]
    public void LogFile_UnderLogrotate_IsRotated()
    {
        string logrotate = Posix.Tool("logrotate");
        NativeBinary server = ServePoem(Poem, "--log-file", "log");
        Wire.Fetch(server.Port()).AssertIs(Poem);
        WaitForLine("log", "served 600 of 600");
        _ = Folder.Write(
            "rotate.conf",
            $"{Folder["log"]} {{\n    rotate 3\n    postrotate\n        kill -USR2 {server.ProcessId}\n    endscript\n}}\n");
        _ = ToolRun.Run(Folder.Path, logrotate, "--force", "--state", Folder["state"], Folder["rotate.conf"]);
        Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(Folder["log"]), Patience.Milliseconds));
        server.Signal(Posix.SIGUSR1);
        WaitForLine("log", "statistics: ");
        Assert.Contains("served 600 of 600", File.ReadAllText(Folder["log.1"]));
    }

    private double DroppedRecords() => HttpAnswer.Get(Folder["metrics"], "/metrics").Figures()["poetry_log_records_dropped_total"];

    private void WaitForLine(string file, string text) => Assert.IsTrue(
        SpinWait.SpinUntil(
            () => File.Exists(Folder[file]) && File.ReadAllText(Folder[file]).Contains(text, StringComparison.Ordinal), Patience.Milliseconds),
        $"{text} is not in {file}: {(File.Exists(Folder[file]) ? File.ReadAllText(Folder[file]) : "there is none")}");
}
