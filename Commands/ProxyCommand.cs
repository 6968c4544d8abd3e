using System;
using System.Collections.Generic;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Proxies poems until it is told to stop.</summary>
internal sealed class ProxyCommand : IDisposable
{
    private readonly ServerOptions _server;
    private readonly ProxySettings _settings;
    private readonly PoetryLogger _log;
    private readonly List<WorkerProxies> _perWorker = [];
    private int _workers = 1;

    public ProxyCommand(ServerOptions server, ProxySettings settings)
    {
        _server = server;
        _settings = settings;
        _log = PoetryLogger.ForServer(server);
    }

    /// <summary>Proxies the poems.</summary>
    /// <param name="poems">At least one; no two on the same address unless its port is 0, and none its own upstream.</param>
    /// <returns>The exit code.</returns>
    public int Run(ProxiedPoem[] poems)
    {
        // A worker without a poem is not started, and gets no part of the cache.
        _workers = Math.Min(_server.Workers, poems.Length);
        var listeners = new List<Listener>();
        foreach (ProxiedPoem poem in poems)
        {
            bool hasUnix = Array.Exists(poem.Upstream.Endpoints.ToArray(), mirror => mirror.IsUnix);
            if (hasUnix && _settings.Proxy.Format == PoemFormat.Plain)
            {
                ProxyLog.FramingMissing(_log, poem.Upstream.ToString());
            }

            // The clients of a poem share its fetch and its memory, and so a reactor.
            listeners.Add(new Listener(
                $"Proxying {poem.Upstream}",
                poem.Listen,
                (reactor, records) => new ProxyServerFactory(ProxiesOf(reactor).ServiceOf(poem.Upstream), reactor, records))
            {
                IsSingleWorker = true,
            });
        }

        var host = new ServerHost(_server, _log)
        {
            Reload = _ => Purge(),
            Metrics = page => ProxyMetrics.Write(page, Services(), HeldBytes()),
        };
        return host.Run(listeners);
    }

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    private WorkerProxies ProxiesOf(Reactor reactor)
    {
        WorkerProxies? proxies = _perWorker.Find(proxies => proxies.Reactor == reactor);
        if (proxies is null)
        {
            // Each worker has its share of the limit, so that none needs a lock.
            proxies = new WorkerProxies(reactor, _settings, _settings.MaxCacheBytes / _workers, _log);
            _perWorker.Add(proxies);
        }

        return proxies;
    }

    private Deferred<Unit> Purge()
    {
        _perWorker.ForEach(static proxies => proxies.Clear());
        ProxyLog.CacheEmptied(_log);
        return Deferred.Succeed(default(Unit));
    }

    private long HeldBytes()
    {
        long held = 0;
        _perWorker.ForEach(proxies => held += proxies.Cache.HeldBytes);
        return held;
    }

    private List<ProxyService> Services()
    {
        var services = new List<ProxyService>();
        _perWorker.ForEach(proxies => services.AddRange(proxies.Services));
        return services;
    }
}
