using System.Text;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>
/// The code that README.md shows, line for line: a house test compares the two. Here its members are
/// <c>protected internal</c>, as the compiler asks of a friend of the engine; elsewhere <c>protected</c> does.
/// </summary>
[TestClass]
public sealed class ReadmeExamples : TutorialExample
{
    [TestMethod]
    public void Chain_AFailureIsHandled_AndTheChainGoesOn()
    {
        var answer = new Deferred<int>();
        answer
            .AddCallback(x => 100 / x)
            .AddErrback<DivideByZeroException>(_ => 0)
            .AddCallback(x => Print($"the answer is {x}"));
        answer.Callback(0);
        Expect("the answer is 0");
    }

    [TestMethod]
    public void Async_WaitsWithoutAThread()
    {
        using var reactor = new Reactor();
        async Deferred<int> Add(Deferred<int> first, Deferred<int> second)
        {
            await reactor.Sleep(TimeSpan.FromMilliseconds(10));
            return await first + await second;
        }

        var later = new Deferred<int>();
        Add(Deferred.Succeed(40), later)
            .AddTimeout(TimeSpan.FromSeconds(5), reactor)
            .AddCallbacks(sum => Print($"the sum is {sum}"), failure => Print($"no sum: {failure.Message}"))
            .AddBoth(reactor.Stop);
        reactor.CallLater(TimeSpan.FromMilliseconds(20), () => later.Callback(2));
        reactor.Run();
        Expect("the sum is 42");
    }

    [TestMethod]
    public void Protocols_SpeakThroughTheReactor()
    {
        using var reactor = new Reactor();
        ListeningPort port = reactor.ListenTcp(SocketAddress.Ip([127, 0, 0, 1], 0), new EchoFactory());
        async Deferred Talk()
        {
            try
            {
                var question = new Question("Is a server there?");
                reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), question, timeout: TimeSpan.FromSeconds(5));
                Print(await question.Answer);
            }
            finally
            {
                reactor.Stop();
            }
        }

        reactor.CallWhenRunning(() => _ = Talk());
        reactor.Run();
        Expect("Is a server there?");
    }

    /// <summary>Says everything back, and hangs up when the other side does.</summary>
    private sealed class Echo : Protocol
    {
        protected internal override void DataReceived(ReadOnlySpan<byte> data) => Transport.Write(data);
    }

    private sealed class EchoFactory : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Echo();
    }

    /// <summary>Says one thing, and collects what comes back until the end.</summary>
    private sealed class Asker(Question question) : Protocol
    {
        private readonly MemoryStream _heard = new();

        protected internal override void ConnectionMade()
        {
            Transport.Write(Encoding.UTF8.GetBytes(question.Words));
            Transport.LoseWriteConnection();
        }

        protected internal override void DataReceived(ReadOnlySpan<byte> data) => _heard.Write(data);

        protected internal override void ConnectionLost(Failure reason)
        {
            if (reason.Check<ConnectionDone>())
            {
                question.Answer.Callback(Encoding.UTF8.GetString(_heard.ToArray()));
            }
            else
            {
                question.Answer.Errback(reason);
            }
        }
    }

    /// <summary>The factory of one connection: it holds the deferred that the connection fires.</summary>
    private sealed class Question(string words) : ClientFactory
    {
        public string Words => words;

        public Deferred<string> Answer { get; } = new();

        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Asker(this);

        protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => Answer.Errback(reason);
    }
}
