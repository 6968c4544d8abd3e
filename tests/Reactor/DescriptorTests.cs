using System;
using System.Collections.Generic;
using Microsoft.VisualStudio.TestTools.UnitTesting;
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
}
