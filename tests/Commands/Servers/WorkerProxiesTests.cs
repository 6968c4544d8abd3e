using Poetry.Commands;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>The proxies of one worker, with real upstreams.</summary>
[TestClass]
public sealed class WorkerProxiesTests
{
    /// <summary>
    /// Aim: the log has one line for each mirror that fails, however often, and a mirror does not hide another. Method: four fetches
    /// from three ports where no server is. The failure of the last mirror is that of the fetch.
    /// </summary>
    [TestMethod]
    public void FailuresOfAMirror_AreLoggedOnceInTenSeconds_ForEachMirror()
    {
        string[] mirrors = [.. Enumerable.Range(0, 3).Select(_ => $"127.0.0.1:{FaultServer.FreePort()}")];
        Assert.IsTrue(PoemMirrors.TryParse(string.Join(',', mirrors), out PoemMirrors? upstream, out _));
        var log = new CollectingLog();
        var worker = new Worker(limit: 0, log);
        using Reactor reactor = worker.Reactor;
        var settings = new ProxySettings
        {
            Proxy = new ProxyOptions
            {
                Lifetime = TimeSpan.Zero,
                MinPause = TimeSpan.Zero,
                ProbeDelay = TimeSpan.Zero,
                Timeout = TimeSpan.FromSeconds(60),
            },
            MaxCacheBytes = 1,
            Fallback = upstream.Endpoints[0],
        };
        ProxyService service = new WorkerProxies(worker, settings, settings.MaxCacheBytes, new SharedOutages(), log).ServiceOf(upstream);
        var factory = new ProxyServerFactory(service, log);
        for (int i = 1; i <= 4; i++)
        {
            var client = new MemoryTransport(reactor, factory);
            client.Open(factory.BuildProtocol(default)!);
            long deadline = Environment.TickCount64 + Patience.Milliseconds;
            while (!client.IsClosed)
            {
                Assert.IsLessThan(deadline, Environment.TickCount64, "the end of the client");
                reactor.Turn(5);
            }

            Assert.AreEqual(i, service.Failures);
        }

        string[] lines = [.. log.Lines.Where(line => line.Contains("a mirror of", StringComparison.Ordinal))];
        Assert.HasCount(2, lines);
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.EndsWith($"trying the next: {mirrors[i]}: connection refused", lines[i]);
        }
    }
}
