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
    private readonly PoemRequest _request;
    private readonly List<WorkerProxies> _perWorker = [];
    private int _workers = 1;

    /// <summary>Makes a proxy that does nothing yet.</summary>
    public ProxyCommand(ServerOptions server, ProxySettings settings)
    {
        _server = server;
        _settings = settings;
        _log = PoetryLogger.ForServer(server);
        _request = new PoemRequest(ConnectTimeout.Within(settings.Timeout), settings.Timeout, settings.Proxy.Format);
    }

    /// <summary>Proxies the poems.</summary>
    /// <param name="poems">At least one; no two on the same address unless its port is 0, and none its own upstream.</param>
    /// <returns>The exit code.</returns>
    public int Run(ProxiedPoem[] poems)
    {
        // Those that would have no poem to proxy are not started, and get no part of the cache.
        _workers = Math.Min(_server.Workers, poems.Length);
        var listeners = new List<Listener>();
        foreach (ProxiedPoem poem in poems)
        {
            if (poem.Upstream.UnixPath is not null && _settings.Proxy.Format == PoemFormat.Plain)
            {
                ProxyLog.FramingMissing(_log, poem.Upstream.ToString());
            }

            // The clients of a poem share its fetch and its memory, and so a reactor.
            listeners.Add(new Listener(
                $"Proxying {poem.Upstream}",
                poem.Listen,
                (reactor, records) => new ProxyServerFactory(ServiceOf(poem.Upstream, reactor), reactor, records))
            {
                IsSingleWorker = true,
            });
        }

        var host = new ServerHost(_server, _log)
        {
            Reload = _ => Clear(),
            Metrics = page => ProxyMetrics.Write(page, Services(), HeldBytes()),
        };
        return host.Run(listeners);
    }

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    /// <summary>The service of an upstream: one for all listeners of a reactor that have the same.</summary>
    private ProxyService ServiceOf(Endpoint upstream, Reactor reactor)
    {
        WorkerProxies? proxies = _perWorker.Find(proxies => proxies.Reactor == reactor);
        if (proxies is null)
        {
            // Each worker's share: what they keep together is within the limit, without a lock between them.
            proxies = new WorkerProxies(reactor, new ProxyCache(_settings.MaxCacheBytes / _workers));
            _perWorker.Add(proxies);
        }

        string name = upstream.ToString();
        ProxyService? service = proxies.Services.Find(service => service.Upstream == name);
        if (service is null)
        {
            service = new ProxyService(
                name,
                Fetch(new PoemMirrors(upstream), reactor),
                reactor,
                _settings.Proxy,
                proxies.Cache,
                proxies.Memory,
                _log);
            proxies.Services.Add(service);
        }

        return service;
    }

    /// <summary>How a poem is fetched: from the first of its mirrors that has it.</summary>
    private Func<IPoemReceiver, Deferred<long>> Fetch(PoemMirrors mirrors, Reactor reactor)
    {
        var failovers = new RepeatedErrorLog(
            reactor,
            reason => ProxyLog.MirrorFailed(_log, mirrors.ToString(), reason),
            (count, reason) => ProxyLog.MirrorFailedAgain(_log, mirrors.ToString(), count, reason));
        var fetch = new MirrorFetch(
            mirrors, reactor, (mirror, receiver) => PoemFetch.Start(reactor, mirror, _request, receiver))
        {
            FailedOver = (mirror, error) => failovers.Report($"{mirror}: {error.Message}"),
        };
        return fetch.Start;
    }

    /// <summary>Each reactor empties its cache on its own thread.</summary>
    private Deferred<Unit> Clear()
    {
        foreach (WorkerProxies proxies in _perWorker)
        {
            if (proxies.Reactor.IsReactorThread)
            {
                proxies.Clear();
            }
            else
            {
                proxies.Reactor.CallFromThread(proxies.Clear);
            }
        }

        ProxyLog.CacheEmptied(_log);
        return Deferred.Succeed(default(Unit));
    }

    private long HeldBytes()
    {
        long held = 0;
        foreach (WorkerProxies proxies in _perWorker)
        {
            held += proxies.Cache.HeldBytes;
        }

        return held;
    }

    private IEnumerable<ProxyService> Services()
    {
        foreach (WorkerProxies proxies in _perWorker)
        {
            foreach (ProxyService service in proxies.Services)
            {
                yield return service;
            }
        }
    }

    /// <summary>The services of one reactor, and what they share.</summary>
    private sealed class WorkerProxies(Reactor reactor, ProxyCache cache)
    {
        public Reactor Reactor => reactor;

        public ProxyCache Cache => cache;

        public PoemMemory Memory { get; } = new();

        public List<ProxyService> Services { get; } = [];

        public void Clear()
        {
            foreach (ProxyService service in Services)
            {
                service.Clear();
            }
        }
    }
}
