using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class WakerTests
{
    private readonly ReadyEvent[] _ready = new ReadyEvent[4];
    private Poller? _poller;
    private Waker _waker;

    [TestInitialize]
    public void Watch()
    {
        _poller = PollerChoice.Create();
        Assert.AreEqual(Errno.None, Waker.Create(out _waker));
        Assert.AreEqual(Errno.None, _poller.Add(_waker.Handle, 1, Interest.Read));
    }

    [TestCleanup]
    public void Close()
    {
        _poller!.Remove(_waker.Handle, Interest.Read);
        _waker.Close();
        _poller.Dispose();
    }

    [TestMethod]
    public void Wait_BeforeASignal_IsQuiet() => Assert.AreEqual(0, _poller!.Wait(_ready, 0));

    [TestMethod]
    public void Signal_Many_IsOneWakeUntilDrained()
    {
        for (int i = 0; i < 100_000; i++)
        {
            _waker.Signal();
        }

        Assert.AreEqual(1, _poller!.Wait(_ready, 60_000));
        Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
        _waker.Drain();
        Assert.AreEqual(0, _poller.Wait(_ready, 0));
        _waker.Signal();
        Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
    }

    [TestMethod]
    public void Drain_WithNothingThere_DoesNotWait()
    {
        _waker.Drain();
        Assert.AreEqual(0, _poller!.Wait(_ready, 0));
    }

    [TestMethod]
    public void Signal_FromAnotherThread_EndsAWaitWithoutEnd()
    {
        Waker waker = _waker;
        var thread = new Thread(() => waker.Signal());
        thread.Start();
        Assert.AreEqual(1, _poller!.Wait(_ready, -1));
        thread.Join();
    }

    /// <summary>As on all systems but Linux.</summary>
    [TestMethod]
    public void ASocketConnectedToItself_IsOneWakeUntilDrained()
    {
        Assert.AreEqual(Errno.None, Waker.CreateSocket(out Waker waker));
        Assert.AreEqual(Errno.None, _poller!.Add(waker.Handle, 2, Interest.Read));
        Assert.AreEqual(0, _poller.Wait(_ready, 0));
        for (int i = 0; i < 2; i++)
        {
            waker.Signal();
            Assert.AreEqual(1, _poller.Wait(_ready, 60_000));
            Assert.AreEqual(2UL, _ready[0].Token);
            waker.Drain();
            Assert.AreEqual(0, _poller.Wait(_ready, 0));
        }

        _poller.Remove(waker.Handle, Interest.Read);
        waker.Close();
    }

    [TestMethod]
    public void SignalAndDrain_AllocateNothing()
    {
        _waker.Signal();
        _waker.Drain();
        long before = GC.GetAllocatedBytesForCurrentThread();
        _waker.Signal();
        _waker.Drain();
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
