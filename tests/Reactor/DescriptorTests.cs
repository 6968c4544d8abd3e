using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Descriptors of one's own in the loop, and events that come too late for them. On every backend.</summary>
[TestClass]
public sealed class DescriptorTests
{
    public static IEnumerable<object[]> AllBackends => Backends.All;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AddReader_Readable_IsCalledUntilAllIsRead(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        loop.Reactor.Turn(0);
        Assert.AreEqual(0, pipe.ReadCount);
        pipe.Write(64 * 3);
        loop.Until(() => pipe.ReadCount == 3, "three reads");
        loop.Reactor.Turn(0);
        Assert.AreEqual(3, pipe.ReadCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AddWriter_WithRoom_IsCalledUntilItIsRemoved(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        loop.Reactor.AddWriter(pipe);
        loop.Until(() => pipe.WriteCount == 2, "two calls");
        loop.Reactor.RemoveWriter(pipe);
        loop.Reactor.Turn(0);
        Assert.AreEqual(2, pipe.WriteCount);
        pipe.Write(1);
        loop.Until(() => pipe.ReadCount == 1, "reading, which is still watched");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BothReady_IsReadBeforeItIsWritten(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        var order = new List<string>();
        pipe.OnRead = () => order.Add("read");
        pipe.OnWrite = () => order.Add("write");
        loop.Reactor.AddWriter(pipe);
        pipe.Write(1);
        loop.Reactor.Turn(Patience.Milliseconds);
        CollectionAssert.AreEqual(new[] { "read", "write" }, order);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void RemoveWriter_WhileReading_IsNotWrittenInTheSameTurn(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        pipe.OnRead = () => loop.Reactor.RemoveWriter(pipe);
        loop.Reactor.AddWriter(pipe);
        pipe.Write(1);
        loop.Until(() => pipe.ReadCount == 1, "the read");
        Assert.AreEqual(0, pipe.WriteCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void RemoveAll_Readable_IsNotCalled(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        pipe.Write(1);
        loop.Reactor.RemoveAll(pipe);
        loop.Reactor.RemoveReader(pipe);
        loop.Reactor.Turn(0);
        Assert.AreEqual(0, pipe.ReadCount);
        loop.Reactor.AddReader(pipe);
        loop.Until(() => pipe.ReadCount == 1, "the read");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void TheWriterGone_IsReadToTheEnd(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pipe = new PipeReader(loop.Reactor);
        pipe.OnRead = () => loop.Reactor.RemoveAll(pipe);
        pipe.CloseWriter();
        loop.Until(() => pipe.ReadCount == 1, "the end of input");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AddReader_ABadDescriptor_Throws(string backend)
    {
        using var loop = new TurnedReactor(new FaultyPoller(Backends.Open(backend)) { RefusedAdds = 1 });
        _ = Assert.ThrowsExactly<System.IO.IOException>(() => new PipeReader(loop.Reactor));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AddReader_WithoutADescriptor_Throws(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var none = new Careless(-1, static _ => { });
        var refusal = Assert.ThrowsExactly<System.IO.IOException>(() => loop.Reactor.AddReader(none));
        Assert.AreEqual("cannot watch a descriptor: bad file descriptor", refusal.Message);
        Assert.IsFalse(none.IsWatched);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ACallbackThatThrows_IsTheLastOne_AlsoIfTheDescriptorDoesNotRemoveItself(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pair = new SocketPair(AddressKind.Unix);
        var careless = new Careless(pair.Server, static _ => throw new NotSupportedException("a bug"));
        loop.Reactor.AddReader(careless);
        Assert.AreEqual(Errno.None, NativeSocket.Send(pair.Client, [1], more: false, out _));
        loop.Until(() => careless.Lost.Count == 1, "the end");
        loop.Reactor.Turn(0);
        loop.Reactor.Turn(0);
        loop.Reactor.Dispose();
        Assert.AreEqual("a bug", string.Join(", ", careless.Lost), "told once, and not again when the reactor ends");
        Assert.HasCount(1, loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void TheReactorEnds_EachDescriptorIsToldOnce(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pair = new SocketPair(AddressKind.Unix);
        var careless = new Careless(pair.Server, static _ => { });
        loop.Reactor.AddReader(careless);
        loop.Reactor.CallWhenRunning(loop.Reactor.Stop);
        loop.Reactor.Run();
        loop.Reactor.Dispose();
        Assert.AreEqual("connection aborted", string.Join(", ", careless.Lost));
    }

    /// <summary>A program that closes a descriptor without removing it has a bug; the loop and other connections go on.
    /// Only with select: epoll forgets it, and a debug build asserts when it is removed.</summary>
    [TestMethod]
    public void Select_ADescriptorThatIsClosedBeforeItIsRemoved_IsReportedOnceAndCostsNoOther()
    {
        using var loop = new TurnedReactor("select");
        using var pipe = new PipeReader(loop.Reactor);
        var pair = new SocketPair(AddressKind.Unix);
        int reads = 0;
        var careless = new Careless(pair.Server, _ => reads++);
        loop.Reactor.AddReader(careless);
        pair.Dispose();
        pipe.Write(1);
        loop.Until(() => pipe.ReadCount == 1, "the read of the other");
        Assert.AreEqual(1, reads);
        loop.Reactor.RemoveAll(careless);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ASecondObjectForADescriptor_IsRefused(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var pair = new SocketPair(AddressKind.Unix);
        var first = new Careless(pair.Server, static _ => { });
        loop.Reactor.AddReader(first);
        var second = new Careless(pair.Server, static _ => { });
        var refusal = Assert.ThrowsExactly<System.IO.IOException>(() => loop.Reactor.AddReader(second));
        Assert.AreEqual("cannot watch a descriptor: another object watches it", refusal.Message);
        loop.Reactor.RemoveAll(first);
        loop.Reactor.AddReader(second);
        loop.Reactor.RemoveAll(second);
    }

    /// <summary>
    /// The reactor watches descriptors that nothing else shows: with one watched for nothing and others that come and go,
    /// none is forgotten when its interest comes back.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Watch_ForNothingAndThenAgain_IsHeard(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var low = new PipeReader(loop.Reactor);
        var pipes = new List<PipeReader>();
        for (int i = 0; i < 100; i++)
        {
            pipes.Add(new PipeReader(loop.Reactor));
        }

        PipeReader last = pipes[^1];
        Assert.AreEqual(Errno.None, loop.Reactor.Watch(last, Interest.None));
        foreach (PipeReader pipe in pipes[..^1])
        {
            pipe.Dispose();
        }

        low.Dispose();
        last.Write(1);
        Assert.AreEqual(Errno.None, loop.Reactor.Watch(last, Interest.Read));
        loop.Until(() => last.ReadCount == 1, "the read");
        last.Dispose();
    }

    /// <summary>
    /// Of one batch of events each callback closes the descriptors of others and opens new ones, which get the numbers and
    /// the places of the old. None of the new may be called for an event of the old: they have nothing to read.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void StaleEvents_AreDroppedAndCounted(string backend)
    {
        Random random = Seed.Start(TestContext);
        using var loop = new TurnedReactor(backend);
        var pipes = new List<PipeReader>();
        const int Count = 20;
        for (int round = 0; round < 300; round++)
        {
            while (pipes.Count < Count)
            {
                pipes.Add(new PipeReader(loop.Reactor));
            }

            bool hasReplaced = false;
            foreach (PipeReader pipe in pipes)
            {
                pipe.OnRead = () =>
                {
                    if (!hasReplaced)
                    {
                        hasReplaced = true;
                        Replace(pipe);
                    }
                };
                pipe.Write(1);
            }

            foreach (PipeReader pipe in pipes)
            {
                SocketPair.WaitFor(pipe.Handle, Interest.Read);
            }

            loop.Reactor.Turn(Patience.Milliseconds);
            Assert.IsTrue(hasReplaced);
            Assert.IsEmpty(loop.Log.Exceptions);
            pipes.ForEach(pipe => pipe.Dispose());
            pipes.Clear();
        }

        Assert.IsGreaterThan(0, loop.Reactor.StaleEvents);

        void Replace(PipeReader reader)
        {
            int closed = random.Next(1, Count);
            for (int i = 0; i < closed; i++)
            {
                int chosen = random.Next(pipes.Count);
                if (pipes[chosen] != reader && !pipes[chosen].IsFresh)
                {
                    pipes[chosen].Dispose();
                    pipes[chosen] = new PipeReader(loop.Reactor)
                    {
                        IsFresh = true,
                        OnRead = () => throw new InvalidOperationException("called for an event of the one before"),
                    };
                }
            }
        }
    }

    /// <summary>A descriptor that a user wrote in a hurry: it does not remove itself when it is lost.</summary>
    private sealed class Careless(nint handle, Action<Careless> read) : Descriptor(handle)
    {
        public List<string> Lost { get; } = [];

        protected internal override void DoRead() => read(this);

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason) => Lost.Add(reason.Message);
    }
}
