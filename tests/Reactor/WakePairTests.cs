using System;
using System.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class WakePairTests
{
    private readonly ReadyEvent[] _ready = new ReadyEvent[4];
    private Poller? _poller;
    private WakePair _pair;

    [TestInitialize]
    public void Watch()
    {
        _poller = PollerChoice.Create();
        Assert.AreEqual(Errno.None, WakePair.Create(out _pair));
        Assert.AreEqual(Errno.None, _poller.Add(_pair.Reader, 1, Interest.Read));
    }

    [TestCleanup]
    public void Close()
    {
        _poller!.Remove(_pair.Reader, Interest.Read);
        _pair.Close();
        _poller.Dispose();
    }

    [TestMethod]
    public void Wait_BeforeASignal_IsQuiet() => Assert.AreEqual(0, _poller!.Wait(_ready, 0));

    [TestMethod]
    public void Signal_Many_IsOneWakeUntilDrained()
    {
        for (int i = 0; i < 100_000; i++)
        {
            _pair.Signal();
        }

        Assert.AreEqual(1, _poller!.Wait(_ready, 60_000));
        Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
        _pair.Drain();
        Assert.AreEqual(0, _poller.Wait(_ready, 0));
        _pair.Signal();
        Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
    }

    [TestMethod]
    public void Drain_WithNothingThere_DoesNotWait()
    {
        _pair.Drain();
        Assert.AreEqual(0, _poller!.Wait(_ready, 0));
    }

    [TestMethod]
    public void Signal_FromAnotherThread_EndsAWaitWithoutEnd()
    {
        WakePair pair = _pair;
        var thread = new Thread(() => pair.Signal());
        thread.Start();
        Assert.AreEqual(1, _poller!.Wait(_ready, -1));
        thread.Join();
    }

    /// <summary>As on Windows: nothing in it is of Windows alone.</summary>
    [TestMethod]
    public void ASocketConnectedToItself_IsOneWakeUntilDrained()
    {
        Assert.AreEqual(Errno.None, WakePair.CreateSocket(out WakePair pair));
        Assert.AreEqual(Errno.None, _poller!.Add(pair.Reader, 2, Interest.Read));
        Assert.AreEqual(0, _poller.Wait(_ready, 0));
        for (int i = 0; i < 2; i++)
        {
            pair.Signal();
            Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
            Assert.AreEqual(2UL, _ready[0].Token);
            pair.Drain();
            Assert.AreEqual(0, _poller.Wait(_ready, 0));
        }

        _poller.Remove(pair.Reader, Interest.Read);
        pair.Close();
    }

    [TestMethod]
    public void SignalAndDrain_AllocateNothing()
    {
        _pair.Signal();
        _pair.Drain();
        long before = GC.GetAllocatedBytesForCurrentThread();
        _pair.Signal();
        _pair.Drain();
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
