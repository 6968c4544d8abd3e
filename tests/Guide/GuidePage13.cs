using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;
using Poetry.Tests.Tutorial;

namespace Poetry.Tests.Guide;

/// <summary>The listings of docs/guide, page 13, against a Redis server, and solutions of their exercises.</summary>
[TestClass]
public sealed class GuidePage13 : TutorialExample
{
    [TestMethod]
    public void Page13_Visits_AreCounted()
    {
        using var server = new RedisServer();
        string url = server.Address;
        if (!RedisAddress.TryParse(url, out RedisAddress? address, out string? problem))
        {
            throw new FormatException(problem);
        }

        using var reactor = new Reactor();
        using var redis = new RedisClient(reactor, address);
        var visits = new Visits(redis);
        async Deferred Visit()
        {
            Print($"visit {await visits.Count("home")}");
            Print($"visit {await visits.Count("home")}");
            await redis.Send("SET", "home", "not a number");
            Print($"visit {await visits.Count("home")}");
        }

        Visit().AddErrback(failure => Print(failure.Message)).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("visit 1", "visit 2", "member 0 failed first: ERR value is not an integer or out of range");
    }

    [TestMethod]
    public void Page13_Exercises_LatestVisitors_AndAChannel()
    {
        using var server = new RedisServer();
        Assert.IsTrue(RedisAddress.TryParse(server.Address, out RedisAddress? address, out _));
        using var reactor = new Reactor();
        using var redis = new RedisClient(reactor, address);
        using var other = new RedisClient(reactor, address);
        var told = new Deferred<string>();
        async Deferred Visit()
        {
            await other.Subscribe("visits", message => told.Callback(Encoding.UTF8.GetString(message.Span)));
            var latest = new Latest(redis);
            foreach (string visitor in (string[])["Ada", "Ben", "Cleo", "Dan"])
            {
                Print(await latest.Visit("home", visitor));
            }

            await redis.Send("PUBLISH", "visits", "Dan");
            Print($"{await told} was here");
        }

        Visit().AddErrback(failure => Print(failure.Message)).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("Ada", "Ben, Ada", "Cleo, Ben, Ada", "Dan, Cleo, Ben", "Dan was here");
    }
}
