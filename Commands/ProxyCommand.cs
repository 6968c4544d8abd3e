using System;
using System.Collections.Generic;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Proxies poems until it is told to stop.</summary>
internal sealed class ProxyCommand : IDisposable
{
    /// <summary>The most that connecting to an upstream may take: as for <c>get</c>.</summary>
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(10);

    private readonly ServerOptions _server;
    private readonly ProxySettings _settings;
    private readonly PoetryLogger _log;
    private readonly PoemRequest _request;
    private readonly List<Home> _homes = [];
    private int _workers = 1;

    /// <summary>Makes a proxy that does nothing yet.</summary>
    public ProxyCommand(ServerOptions server, ProxySettings settings)
    {
        _server = server;
        _settings = settings;
        _log = new PoetryLogger(server.LogLevel, server.LogFormat);
        TimeSpan connect = settings.Timeout < LongestConnect ? settings.Timeout : LongestConnect;
        _request = new PoemRequest(connect, settings.Timeout, settings.Proxy.Framed);
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
            if (poem.Upstream.UnixPath is not null && !_settings.Proxy.Framed)
            {
                ProxyLog.CannotTellWhole(_log, poem.Upstream.ToString());
            }

            // The clients of a poem share its fetch and its memory, and so a reactor.
            listeners.Add(new Listener(
                $"Proxying {poem.Upstream}",
                poem.Listen,
                (reactor, records) => new ProxyServerFactory(ServiceOf(poem.Upstream, reactor), reactor, records))
            {
                HasOneWorker = true,
            });
        }

        var host = new ServerHost(_server, _log)
        {
            Reload = Clear,
            Metrics = page => ProxyMetrics.Write(page, Services(), HeldBytes()),
        };
        return host.Run(listeners);
    }

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    /// <summary>The service of an upstream: one for all listeners of a reactor that have the same.</summary>
    private ProxyService ServiceOf(Endpoint upstream, Reactor reactor)
    {
        Home? home = _homes.Find(home => home.Reactor == reactor);
        if (home is null)
        {
            // Each worker's share: what they keep together is within the limit, without a lock between them.
            home = new Home(reactor, new ProxyCache(_settings.MostCacheBytes / _workers));
            _homes.Add(home);
        }

        string name = upstream.ToString();
        ProxyService? service = home.Services.Find(service => service.Upstream == name);
        if (service is null)
        {
            service = new ProxyService(
                name,
                receiver => PoemFetch.Start(reactor, upstream, _request, receiver),
                reactor,
                _settings.Proxy,
                home.Cache,
                home.Memory,
                _log);
            home.Services.Add(service);
        }

        return service;
    }

    /// <summary>Each reactor empties its cache on its own thread.</summary>
    private void Clear()
    {
        foreach (Home home in _homes)
        {
            if (home.Reactor.IsReactorThread)
            {
                home.Clear();
            }
            else
            {
                home.Reactor.CallFromThread(home.Clear);
            }
        }

        ProxyLog.Emptied(_log);
    }

    private long HeldBytes()
    {
        long held = 0;
        foreach (Home home in _homes)
        {
            held += home.Cache.HeldBytes;
        }

        return held;
    }

    private IEnumerable<ProxyService> Services()
    {
        foreach (Home home in _homes)
        {
            foreach (ProxyService service in home.Services)
            {
                yield return service;
            }
        }
    }

    /// <summary>The services of one reactor, and what they share.</summary>
    private sealed class Home(Reactor reactor, ProxyCache cache)
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
