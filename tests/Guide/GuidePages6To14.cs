using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;
using Poetry.Tests.Tutorial;

namespace Poetry.Tests.Guide;

/// <summary>The listings of docs/guide, pages 6 to 14, and solutions of their exercises.</summary>
[TestClass]
public sealed class GuidePages6To14 : TutorialExample
{
    [TestMethod]
    public void Page6_AServer_SendsAPoem()
    {
        using var reactor = new Reactor();
        ListeningPort port = reactor.ListenTcp(SocketAddress.Ip([127, 0, 0, 1], 0), new PoemServerFactory("A stone\n"u8.ToArray()));
        var client = new PoemClientFactory();
        reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), client, timeout: TimeSpan.FromSeconds(10));
        client.Poem.AddCallback(text => Print($"client got: {text}")).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("client got: A stone\n");
    }

    [TestMethod]
    public void Page6_Exercise1_CountsConnections()
    {
        var factory = new CountingFactory();
        Assert.AreEqual("1\n", MemoryTransport.Connect(factory.Build()).SentText);
        Assert.AreEqual("2\n", MemoryTransport.Connect(factory.Build()).SentText);
    }

    [TestMethod]
    public void Page6_Exercise2_Page8_Exercise1_SlowLines()
    {
        MemoryTransport transport = MemoryTransport.Connect(new SlowServer(Clock, ["one", "two", "three"]));
        Assert.AreEqual("one\n", transport.SentText);
        Clock.Pump(0.1, 0.1);
        Assert.AreEqual("one\ntwo\nthree\n", transport.SentText);
        Assert.AreEqual(0, Clock.PendingCount);
    }

    [TestMethod]
    public void Page7_Netstrings_AreCollected()
    {
        using var receiver = new NetstringDecoder(maxLengthBytes: 1000);
        foreach (string piece in (string[])["5:he", "llo,3:a", "bc,"])
        {
            ReadOnlySpan<byte> data = Encoding.UTF8.GetBytes(piece);
            while (receiver.TryNext(ref data, out ReadOnlySpan<byte> payload))
            {
                Print(Encoding.UTF8.GetString(payload));
            }
        }

        Expect("hello", "abc");
    }

    [TestMethod]
    public void Page7_MalformedInput_IsRefused()
    {
        using var strict = new NetstringDecoder(maxLengthBytes: 1000);
        ReadOnlySpan<byte> bad = "05:hello,"u8;
        bool found = strict.TryNext(ref bad, out _);
        Print($"{found}, {strict.Error}");
        Expect("False, BadLength");
    }

    [TestMethod]
    public void Page7_Exercise1_EchoesNetstrings()
    {
        MemoryTransport good = MemoryTransport.Connect(new NetstringEcho());
        good.PeerSends("2:hi,0:,"u8);
        Assert.AreEqual("2:hi,0:,", good.SentText);
        MemoryTransport bad = MemoryTransport.Connect(new NetstringEcho());
        bad.PeerSends("2:hi;"u8);
        Assert.AreEqual(WireEnd.Reset, bad.End);
    }

    [TestMethod]
    public void Page7_Exercise2_OneByteAtATime()
    {
        using var receiver = new NetstringDecoder(1000);
        foreach (byte one in "5:hello,3:abc,"u8)
        {
            ReadOnlySpan<byte> data = [one];
            while (receiver.TryNext(ref data, out ReadOnlySpan<byte> payload))
            {
                Print(Encoding.UTF8.GetString(payload));
            }
        }

        Expect("hello", "abc");
    }

    [TestMethod]
    public void Page8_TimeMoves_WhenTheTestSaysSo()
    {
        var clock = new ManualClock();
        clock.CallLater(TimeSpan.FromHours(2), () => Print("two hours later"));
        clock.Advance(TimeSpan.FromMinutes(119));
        Print("not yet");
        clock.Advance(TimeSpan.FromMinutes(1));
        Expect("not yet", "two hours later");
    }

    [TestMethod]
    public void Page8_TheTest_PlaysThePeer()
    {
        var protocol = new PoemServer("A stone\n"u8.ToArray());
        MemoryTransport transport = MemoryTransport.Connect(protocol);
        Print(transport.SentText.TrimEnd());
        Print($"{transport.End}");
        Expect("A stone", "Fin");
    }

    [TestMethod]
    public void Page8_AMemoryReactor_ConnectsFactories()
    {
        var reactor = new MemoryReactor();
        var client = new PoemClientFactory();
        client.Poem.AddCallback(text => Print($"client got: {text}"));
        reactor.Connect(client, new PoemServerFactory("A stone\n"u8.ToArray()));
        reactor.Advance(seconds: 0);
        Expect("client got: A stone\n");
    }

    [TestMethod]
    public void Page8_Exercise2_ALostClient_StopsTheTimer()
    {
        MemoryTransport transport = MemoryTransport.Connect(new SlowServer(Clock, ["one", "two", "three"]));
        transport.PeerResets();
        Assert.AreEqual(0, Clock.PendingCount);
    }

    [TestMethod]
    public void Page9_ACanceller_StopsTheOperation()
    {
        var operation = new Deferred<string>(_ => Print("operation stopped"));
        operation.AddErrback<CancelledError>(e => "cancelled").AddCallback(Print);
        operation.Cancel();
        Expect("operation stopped", "cancelled");
    }

    [TestMethod]
    public void Page9_ATimeout_Cancels()
    {
        ManualClock clock = Clock;
        var slow = new Deferred<string>(_ => Print("connection closed"));
        slow.AddTimeout(TimeSpan.FromSeconds(5), clock)
            .AddErrback<TimeoutError>(e => "timed out")
            .AddCallback(Print);
        clock.Advance(5);
        Expect("connection closed", "timed out");
    }

    [TestMethod]
    public void Page9_Exercise1_TheInnerCancellerIsCalled()
    {
        var outer = new Deferred<int>(_ => Print("outer"));
        var inner = new Deferred<int>(_ => Print("inner"));
        outer.AddCallback(x => inner).AddErrback<CancelledError>(e => 0);
        outer.Callback(1);
        outer.Cancel();
        Expect("inner");
    }

    [TestMethod]
    public void Page9_Exercise2_ACancellerMayGiveAValue()
    {
        var operation = new Deferred<string>(d => d.Callback("what there is so far"));
        operation.AddCallback(Print);
        operation.Cancel();
        Expect("what there is so far");
    }

    [TestMethod]
    public void Page10_GatherResults()
    {
        var a = new Deferred<int>();
        var b = new Deferred<int>();
        Deferred.GatherResults([a, b]).AddCallback(values => Print(string.Join(" and ", values)));
        b.Callback(2);
        a.Callback(1);
        Expect("1 and 2");
    }

    [TestMethod]
    public void Page10_AList_GivesEveryOutcome()
    {
        var good = new Deferred<int>();
        var bad = new Deferred<int>();
        new DeferredList<int>([good, bad], consumeErrors: true).AddCallback(outcomes =>
        {
            foreach (Outcome<int> outcome in outcomes)
            {
                Print(outcome.Succeeded ? $"value {outcome.Value}" : $"failure: {outcome.Failure!.Message}");
            }
        });
        good.Callback(1);
        bad.Errback(new IOException("no route"));
        Expect("value 1", "failure: no route");
    }

    [TestMethod]
    public void Page10_ASemaphore_BoundsTheWork()
    {
        ManualClock clock = Clock;
        var semaphore = new DeferredSemaphore(2);
        void Work(string name) => semaphore.Run(() =>
        {
            Print($"{name} starts");
            return clock.Sleep(TimeSpan.FromSeconds(1));
        }).AddBoth(() => Print($"{name} ends"));

        Work("A");
        Work("B");
        Work("C");
        clock.Pump(1, 1);
        Expect("A starts", "B starts", "C starts", "A ends", "B ends", "C ends");
    }

    [TestMethod]
    public void Page10_Exercise1_TheFastestMirror()
    {
        var mirrors = new List<Deferred<string>>();
        for (int i = 0; i < 3; i++)
        {
            int number = i;
            mirrors.Add(new Deferred<string>(_ => Print($"mirror {number} cancelled")));
        }

        Deferred.Race(mirrors).AddCallback(first => Print($"{first.Value} from mirror {first.Index}"));
        mirrors[1].Callback("poem");
        Expect("mirror 0 cancelled", "mirror 2 cancelled", "poem from mirror 1");
    }

    [TestMethod]
    public void Page10_Exercise2_TenPoems_ThreeAtATime()
    {
        var semaphore = new DeferredSemaphore(3);
        var poems = new List<Deferred<int>>();
        for (int i = 0; i < 10; i++)
        {
            int number = i;
            poems.Add(semaphore.Run(() => Clock.Sleep(TimeSpan.FromSeconds(1)).AddCallback(_ => number)));
        }

        Deferred.GatherResults(poems).AddCallback(all => Print($"{all.Length} poems at {Clock.Now.TotalSeconds} s"));
        Clock.Pump(1, 1, 1, 1);
        Expect("10 poems at 4 s");
    }

    [TestMethod]
    public void Page11_AMethod_Awaits()
    {
        ManualClock clock = Clock;
        async Deferred<string> FetchAndShout(Deferred<string> fetch)
        {
            string poem = await fetch;
            await clock.Sleep(TimeSpan.FromSeconds(1));
            return poem.ToUpperInvariant();
        }

        var download = new Deferred<string>();
        FetchAndShout(download).AddCallback(Print);
        download.Callback("a word");
        Print("waiting");
        clock.Advance(1);
        Expect("waiting", "A WORD");
    }

    [TestMethod]
    public void Page11_AFailure_IsCaught()
    {
        async Deferred<string> WithFallback(Deferred<string> fetch)
        {
            try
            {
                return await fetch;
            }
            catch (IOException e)
            {
                return $"no poem: {e.Message}";
            }
        }

        WithFallback(Deferred.Fail<string>(new IOException("refused"))).AddCallback(Print);
        Expect("no poem: refused");
    }

    [TestMethod]
    public void Page11_Exercise1_TheChainAsAMethod()
    {
        async Deferred<int> Twice(Deferred<string> text)
        {
            try
            {
                return int.Parse(await text, System.Globalization.CultureInfo.InvariantCulture) * 2;
            }
            catch (FormatException)
            {
                return -1;
            }
        }

        Twice(Deferred.Succeed("twelve")).AddCallback(Print);
        Twice(Deferred.Succeed("12")).AddCallback(Print);
        Expect("-1", "24");
    }

    [TestMethod]
    public void Page11_Exercise2_OneAfterTheOtherOrAtOnce()
    {
        Deferred<int> Begin(int number)
        {
            Print($"{number} starts at {Clock.Now.TotalSeconds} s");
            return Clock.Sleep(TimeSpan.FromSeconds(1)).AddCallback(_ => number);
        }

        async Deferred Both()
        {
            _ = await Begin(1);
            _ = await Begin(2);
            _ = await Deferred.GatherResults([Begin(3), Begin(4)]);
        }

        _ = Both();
        Clock.Pump(1, 1, 1);
        Expect("1 starts at 0 s", "2 starts at 1 s", "3 starts at 2 s", "4 starts at 2 s");
    }

    [TestMethod]
    public void Page12_TheService_FetchesOnce()
    {
        int fetches = 0;
        Deferred<string> fetching = null!;
        var service = new CachingService(() =>
        {
            fetches++;
            return fetching = new Deferred<string>();
        });
        service.Get().AddErrback(failure => "sorry").AddCallback(Print);
        fetching.Errback(new IOException("upstream is down"));
        service.Get().AddCallback(Print);
        service.Get().AddCallback(Print);
        fetching.Callback("a poem");
        service.Get().AddCallback(Print);
        Print($"{fetches} fetches");
        Expect("sorry", "a poem", "a poem", "a poem", "2 fetches");
    }

    [TestMethod]
    public void Page12_TheProtocol_ResetsAfterAFailure()
    {
        MemoryTransport good = MemoryTransport.Connect(new ProxyProtocol(new CachingService(() => Deferred.Succeed("a poem"))));
        Assert.AreEqual("a poem", good.SentText);
        Assert.AreEqual(WireEnd.Fin, good.End);
        var broken = new CachingService(() => Deferred.Fail<string>(new IOException("down")));
        Assert.AreEqual(WireEnd.Reset, MemoryTransport.Connect(new ProxyProtocol(broken)).End);
    }

    [TestMethod]
    public void Page14_Exercise2_TheCountdownAsAMethod()
    {
        async Deferred Countdown(int from)
        {
            for (int count = from; count > 0; count--)
            {
                Print(count);
                await Clock.Sleep(TimeSpan.FromSeconds(1));
            }
        }

        Countdown(3).AddCallback(() => Print("done"));
        Clock.Pump(1, 1, 1);
        Expect("3", "2", "1", "done");
    }

    private sealed class CountingFactory
    {
        private int _count;

        public PoemServer Build() => new PoemServer(Encoding.UTF8.GetBytes($"{++_count}\n"));
    }
}
