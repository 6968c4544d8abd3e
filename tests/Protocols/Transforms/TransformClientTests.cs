using System.Net.Sockets;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The client against servers that answer, and against servers that do not, on a reactor that the test turns.</summary>
[TestClass]
public sealed class TransformClientTests : IDisposable
{
    private readonly Reactor _reactor = new(new CollectingLog());

    public void Dispose() => _reactor.Dispose();

    [TestMethod]
    [DataRow("")]
    [DataRow("Here is my Poem. Perché?")]
    public void Transform_ByAServer_IsItsAnswer(string text)
    {
        ListeningPort server = Serve(TransformService.BuiltIn());
        Assert.AreEqual(text.ToUpperInvariant(), Ask(server.Address.Port, "shout", text));
    }

    [TestMethod]
    public void Transform_OfAMegabyte_ComesWhole()
    {
        ListeningPort server = Serve(TransformService.BuiltIn());
        string text = string.Concat(Enumerable.Repeat("perché la notte è lunga\n", 40_000));
        Assert.AreEqual(text.ToUpperInvariant(), Ask(server.Address.Port, "shout", text));
    }

    /// <summary>Local and remote are asked alike: a service that has everything done elsewhere gives the same answers.</summary>
    [TestMethod]
    [DataRow("7:shout.a,", "1:A,")]
    [DataRow("15:reverse-lines.a,", "1:a,")]
    [DataRow("8:nosuch.a,", "")]
    [DataRow("5:a.b.c,", "")]
    [DataRow("5:shout,", "")]
    public void Upstream_Asked_AnswersAsItWould(string request, string expected)
    {
        ListeningPort server = Serve(TransformService.BuiltIn());
        ListeningPort proxy = Serve(UpstreamTransformation.Service(Client(server.Address.Port)));
        foreach (ListeningPort asked in new[] { server, proxy })
        {
            using Socket client = Wire.Connect(asked.Address.Port);
            _ = client.Send(Encoding.UTF8.GetBytes(request));
            Delivery delivery = Read(client);
            delivery.AssertIs(Encoding.UTF8.GetBytes(expected));
        }
    }

    /// <summary>A name with a point can't be asked for over netstrings.</summary>
    [TestMethod]
    public void Upstream_ANameWithAPoint_IsUnknown()
    {
        TransformService service = UpstreamTransformation.Service(Client(1));
        Assert.IsNull(service.Find("a.b"u8));
        Assert.IsNotNull(service.Find("a"u8));
    }

    [TestMethod]
    public void Transform_WhereNothingListens_FailsToConnect() =>
        Assert.IsTrue(FailureOf(FaultServer.FreePort()).Check<ConnectError>());

    [TestMethod]
    [DataRow("", "closed without an answer")]
    [DataRow("1", "closed without an answer")]
    [DataRow("15:here is", "got 7 of 15 bytes")]
    [DataRow("15:here is my poem", "got 15 of 15 bytes")]
    [DataRow("3:abcd", "no netstring")]
    [DataRow("003:abc,", "no netstring")]
    [DataRow("ABC", "no netstring")]
    [DataRow("65537:", "longer than 65536 bytes")]
    [DataRow("999999999999999999:", "longer than 65536 bytes")]
    public void Transform_AnsweredShortOrWrong_Fails(string answer, string problem)
    {
        using FaultServer server = FaultServer.Sending(Encoding.ASCII.GetBytes(answer));
        Failure failure = FailureOf(server.Port);
        Assert.IsTrue(failure.Check<TransformError>(), failure.ToString());
        Assert.Contains(problem, failure.Message);
    }

    /// <summary>Whether it arrives with the answer or later.</summary>
    [TestMethod]
    [DataRow("2:ab,", "and more")]
    [DataRow("2:ab,and", " more")]
    [DataRow("2:ab,and more", "")]
    [DataRow("2:a", "b,and more")]
    public void Transform_WhatFollowsTheAnswer_IsIgnored(string first, string rest)
    {
        using var server = new FaultServer((client, number) =>
        {
            client.NoDelay = true;
            _ = client.Send(Encoding.ASCII.GetBytes(first));
            _ = client.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectError);
            _ = client.Send(Encoding.ASCII.GetBytes(rest));
        });
        string? text = null;
        var output = new TextBuffer();
        _ = Client(server.Port).Transform("shout"u8, "x"u8, output).AddCallback(answer =>
        {
            text = Encoding.UTF8.GetString(answer.Text);
            return answer;
        });
        Until(() => text is not null, "the answer");
        Assert.AreEqual("ab", text);
    }

    [TestMethod]
    public void Transform_OfAServerThatResets_FailsAsLost()
    {
        using var server = new FaultServer((client, _) =>
        {
            // Once the question is here, the connection has been made on both sides.
            _ = client.Receive(new byte[64]);
            FaultServer.SendAndReset(client, "15:here"u8.ToArray());
        });
        Assert.IsTrue(FailureOf(server.Port).Check<Poetry.Net.ConnectionLost>());
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("15:here is")]
    public void Transform_OfAServerThatHangs_TimesOut(string start)
    {
        using FaultServer server = FaultServer.Hanging(Encoding.ASCII.GetBytes(start));
        Failure failure = FailureOf(server.Port, timeout: 0.05);
        Assert.IsTrue(failure.Check<TransformError>(), failure.ToString());
        Assert.Contains("timed out", failure.Message);
    }

    [TestMethod]
    public void Cancel_WhileItWaits_ResetsTheConnection()
    {
        using FaultServer server = FaultServer.Hanging([]);
        Failure? failure = null;
        Deferred<TextBuffer> answer = Client(server.Port).Transform("shout"u8, "x"u8, new TextBuffer());
        _ = answer.AddErrback(f => { failure = f; });
        Until(() => _reactor.Connections.Count == 1, "the connection");
        answer.Cancel();
        Assert.IsTrue(failure!.Check<CancelledError>());
        Until(() => _reactor.Connections.Count == 0, "the end");
    }

    [TestMethod]
    public void Cancel_BeforeItHasConnected_GivesUp()
    {
        Failure? failure = null;
        Deferred<TextBuffer> answer = Client(FaultServer.FreePort()).Transform("shout"u8, "x"u8, new TextBuffer());
        _ = answer.AddErrback(f => { failure = f; });
        answer.Cancel();
        Assert.IsTrue(failure!.Check<CancelledError>());
        Assert.AreEqual(0, _reactor.Connections.Count);
    }

    /// <summary>However each of them ends, the next has its turn, and never more than two are under way.</summary>
    [TestMethod]
    [DataRow("answers")]
    [DataRow("refuses")]
    [DataRow("resets")]
    public void Transform_OfManyAtOnce_HaveTheirTurns(string how)
    {
        using FaultServer server = how == "resets" ? FaultServer.Resetting([]) : FaultServer.Sending("1:X,"u8.ToArray());
        var turns = new DeferredSemaphore(2);
        TransformClient client = Client(how == "refuses" ? FaultServer.FreePort() : server.Port, turns: turns);
        int answered = 0, failed = 0;
        for (int i = 0; i < 9; i++)
        {
            _ = client.Transform("shout"u8, "x"u8, new TextBuffer()).AddCallbacks(_ => { answered++; }, _ => { failed++; });
        }

        Assert.AreEqual(7, turns.WaitingCount);
        Until(
            () =>
            {
                Assert.IsLessThanOrEqualTo(2, _reactor.Connections.Count);
                return turns.Tokens == 2;
            },
            "the last turn");
        Assert.AreEqual(how == "answers" ? 9 : 0, answered);
        Assert.AreEqual(9, answered + failed);
    }

    [TestMethod]
    public void Cancel_WhileItWaitsForItsTurn_LeavesTheLine()
    {
        using FaultServer server = FaultServer.Hanging([]);
        var turns = new DeferredSemaphore(1);
        TransformClient client = Client(server.Port, turns: turns);
        Deferred<TextBuffer> first = client.Transform("shout"u8, "x"u8, new TextBuffer()).AddErrback<CancelledError>(_ => new TextBuffer());
        Deferred<TextBuffer> second = client.Transform("shout"u8, "x"u8, new TextBuffer()).AddErrback<CancelledError>(_ => new TextBuffer());
        Assert.AreEqual(1, turns.WaitingCount);
        second.Cancel();
        Assert.IsTrue(second.Called);
        Assert.AreEqual(0, turns.WaitingCount);
        Until(() => _reactor.Connections.Count == 1, "the connection of the first");
        first.Cancel();
        Until(() => turns.Tokens == 1, "the end of the first");
    }

    [TestMethod]
    [DataRow("refused")]
    [DataRow("short")]
    [DataRow("wrong")]
    [DataRow("reset")]
    [DataRow("hangs")]
    public void Upstream_ThatFails_ClosesTheClientWithoutAnAnswer(string fault)
    {
        using FaultServer upstream = fault switch
        {
            "short" => FaultServer.Sending("9:ab"u8.ToArray()),
            "wrong" => FaultServer.Sending("GARBAGE"u8.ToArray()),
            "reset" => FaultServer.Resetting([]),
            _ => FaultServer.Hanging([]),
        };
        int port = fault == "refused" ? FaultServer.FreePort() : upstream.Port;
        var log = new CollectingLog();
        ListeningPort proxy = Serve(UpstreamTransformation.Service(Client(port)), timeout: fault == "hangs" ? 0.1 : 30, log);
        using Socket client = Wire.Connect(proxy.Address.Port);
        _ = client.Send("7:shout.a,"u8);
        Read(client).AssertIs([]);
        client.Dispose();
        Until(() => proxy.Connections == 0, "the end of the client");
        log.AssertHas("Warning", "transformation failed: #", " shout for ");
        log.AssertHas("transformed 0", "failed");
    }

    private TransformClient Client(int port, double timeout = 30, DeferredSemaphore? turns = null) => new(
        _reactor, Endpoint.Tcp("127.0.0.1", port), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(timeout))
    {
        Turns = turns,
    };

    private ListeningPort Serve(TransformService service, double timeout = 30, CollectingLog? log = null) => _reactor.ListenTcp(
        SocketAddress.Ip([127, 0, 0, 1], 0),
        new TransformServerFactory(
            service,
            asText: false,
            new TransformLimits(2 * 1024 * 1024, TimeSpan.FromSeconds(timeout)),
            _reactor,
            _reactor.Timers,
            log ?? new CollectingLog()));

    private string Ask(int port, string name, string text)
    {
        byte[]? answer = null;
        Failure? failure = null;
        var output = new TextBuffer();
        _ = Client(port).Transform(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(text), output)
            .AddCallbacks(result => { answer = result.Text.ToArray(); }, f => { failure = f; });
        Until(() => answer is not null || failure is not null, "the answer");
        Assert.IsNull(failure, failure?.Message);
        output.Release();
        return Encoding.UTF8.GetString(answer!);
    }

    private Failure FailureOf(int port, double timeout = 30)
    {
        Failure? failure = null;
        _ = Client(port, timeout).Transform("shout"u8, "x"u8, new TextBuffer())
            .AddCallbacks(bytes => Assert.Fail($"there was an answer of {bytes.Length} bytes"), f => failure = f);
        Until(() => failure is not null, "the failure");
        Until(() => _reactor.Connections.Count == 0, "the end of the connection");
        return failure!;
    }

    /// <summary>Reads what a client gets, while the reactor turns.</summary>
    private Delivery Read(Socket client)
    {
        Delivery? delivery = null;
        var reader = new System.Threading.Thread(() => delivery = Wire.ReadToEnd(client)) { IsBackground = true };
        reader.Start();
        Until(() => !reader.IsAlive, "the end of the client's reading");
        return delivery!.Value;
    }

    private void Until(Func<bool> done, string what)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!done())
        {
            Assert.IsLessThan(deadline, Environment.TickCount64, $"{what} did not come");
            _reactor.Turn(5);
        }
    }
}
