using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Signals through a descriptor. The process of the tests has many threads, so a signal is sent to the thread of the test,
/// which has it blocked.
/// </summary>
[TestClass]
[SupportedOSPlatform("linux")]
[OSCondition(OperatingSystems.Linux)]
public sealed partial class NativeSignalsTests
{
    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    public void TryReadSignalFd_GivesEachPendingSignalOnce()
    {
        NeedLinux();
        uint set = NativeSignals.SetOf(NativeSignals.SIGUSR1) | NativeSignals.SetOf(NativeSignals.SIGUSR2);
        Assert.AreEqual(Errno.None, NativeSignals.Block(set));
        Assert.AreEqual(Errno.None, NativeSignals.OpenSignalFd(set, out nint handle));
        Assert.IsFalse(NativeSignals.TryReadSignalFd(handle, out _));
        Raise(NativeSignals.SIGUSR2);
        Raise(NativeSignals.SIGUSR1);
        Raise(NativeSignals.SIGUSR1);
        var read = new List<int>();
        while (NativeSignals.TryReadSignalFd(handle, out int signal))
        {
            read.Add(signal);
        }

        _ = NativeFile.Close(handle);
        Assert.AreEqual(Errno.None, NativeSignals.Unblock(set));
        CollectionAssert.AreEquivalent(new[] { NativeSignals.SIGUSR1, NativeSignals.SIGUSR2 }, read);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ASignalFd_IsWatchedByEveryBackend(string backend)
    {
        NeedLinux();
        uint set = NativeSignals.SetOf(NativeSignals.SIGUSR2);
        using var loop = new TurnedReactor(backend);
        Assert.AreEqual(Errno.None, NativeSignals.Block(set));
        Assert.AreEqual(Errno.None, NativeSignals.OpenSignalFd(set, out nint handle));
        var watcher = new Watcher(handle);
        loop.Reactor.AddReader(watcher);
        loop.Reactor.Turn(0);
        Assert.AreEqual(0, watcher.Signal);
        Raise(NativeSignals.SIGUSR2);
        loop.Until(() => watcher.Signal != 0, "the signal");
        loop.Reactor.RemoveAll(watcher);
        _ = NativeFile.Close(handle);
        Assert.AreEqual(Errno.None, NativeSignals.Unblock(set));
        Assert.AreEqual(NativeSignals.SIGUSR2, watcher.Signal);
    }

    private static void NeedLinux()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("signalfd is Linux's");
        }
    }

    private static void Raise(int signal) => Assert.AreEqual(0, pthread_kill(pthread_self(), signal));

    [LibraryImport("libc")]
    private static partial nint pthread_self();

    [LibraryImport("libc")]
    private static partial int pthread_kill(nint thread, int signal);

    private sealed class Watcher(nint handle) : Descriptor(handle)
    {
        public int Signal { get; private set; }

        protected internal override void DoRead()
        {
            if (OperatingSystem.IsLinux() && NativeSignals.TryReadSignalFd(Handle, out int signal))
            {
                Signal = signal;
            }
        }

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason)
        {
        }
    }
}
