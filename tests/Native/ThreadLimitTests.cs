using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Where no more threads may be made, as <c>TasksMax</c> of systemd says: one clear line, and no client is left waiting.</summary>
[TestClass]
public sealed class ThreadLimitTests : NativeTests
{
    /// <summary>The main thread and the runtime's finalizer.</summary>
    private const int WithoutWorkers = 2;

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Workers_WithoutThreads_AreNotStarted(int missing)
    {
        _ = Folder.Write("poem.txt", Poem);
        ControlGroup group = Own(ControlGroup.OfThreads(WithoutWorkers + 2 - missing));
        Finished finished = Run(new Launch("serve", "--workers", "3", "poem.txt") { Before = group.Join });
        Assert.AreEqual("poetry: cannot start a worker: no thread is left for it\n", finished.Errors);
        Assert.IsEmpty(finished.Bytes, "no ready line");
        Assert.AreEqual(1, finished.ExitCode);
    }

    /// <summary>Only glibc tells a program with which status it exits. The others, as musl, are told apart by a macro.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void TheStart_WithAnotherCLibrary_NeedsAThread(int threads)
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "Reactor", "Native", "start.c"));
        _ = Folder.Write("start.c", $"{source.Replace("__GLIBC__", "ABSENT", StringComparison.Ordinal)}int main(void) {{ return 0; }}\n");
        string compiler = Posix.FindTool("cc") ?? Posix.FindTool("gcc") ?? Posix.Tool("clang");
        Finished built = ToolRun.Run(Folder.Path, compiler, "-o", "start", "start.c", "-lpthread");
        Assert.AreEqual(0, built.ExitCode, built.Errors);
        ControlGroup group = Own(ControlGroup.OfThreads(threads));
        Finished finished = ToolRun.Run(Folder.Path, "/bin/sh", "-c", $"{group.Join} exec ./start");
        Assert.AreEqual(threads == 1 ? "poetry: cannot start: no thread is left for the runtime\n" : "", finished.Errors);
        Assert.AreEqual(threads == 1 ? 1 : 0, finished.ExitCode);
    }

    /// <summary>The runtime would make a thread for a signal, and abort where it can't.</summary>
    [TestMethod]
    public void Signals_WithoutThreads_AreObeyed()
    {
        _ = Folder.Write("poem.txt", Poem);
        ControlGroup group = Own(ControlGroup.OfThreads(WithoutWorkers + 1));
        NativeBinary server = Serve(new Launch("poem.txt") { Before = group.Join });
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded poem.txt");
        server.Signal(Posix.SIGUSR1);
        server.Errors.WaitForText("statistics");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Get_WithoutAThreadToLookANameUp_SaysSo()
    {
        ControlGroup group = Own(ControlGroup.OfThreads(WithoutWorkers));
        Finished finished = Run(new Launch("get", "--quiet", "localhost:1") { Before = group.Join });
        Assert.AreEqual("Task 1: localhost:1: no thread is left to look the name up\n", finished.Errors);
        Assert.AreEqual(1, finished.ExitCode);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void AProxy_WithoutAThreadToLookANameUp_ResetsItsClients(int forTheLog)
    {
        ControlGroup group = Own(ControlGroup.OfThreads(WithoutWorkers + forTheLog));
        NativeBinary proxy = Start(new Launch("proxy", "0=localhost:1") { Before = group.Join });
        for (int i = 0; i < 3; i++)
        {
            Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        }

        if (forTheLog > 0)
        {
            proxy.Errors.WaitForText("no thread is left to look the name up");
        }
    }
}
