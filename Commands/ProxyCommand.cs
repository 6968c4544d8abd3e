using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Proxies poems until a signal ends it.</summary>
/// <param name="server">The options of all servers.</param>
/// <param name="settings">The options of <c>proxy</c>.</param>
/// <param name="poems">At least one poem, unless there is a list. No two have the same address, unless its port is 0, and none is
/// its own upstream.</param>
internal sealed class ProxyCommand(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems)
{
    private readonly List<WorkerProxies> _perWorker = [];
    private readonly SharedOutages _outages = new();
    private readonly ListenFile? _list = settings.ListFile is { } path ? new ListenFile(path, server, settings.Fallback) : null;

    public ServerOptions Server => server;

    public ProxySettings Settings => settings;

    public ProxiedPoem[] Poems => poems;

    /// <summary>Proxies the poems.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        SignalQueue.Open(isServer: true);
        using var log = PoetryLogger.ForServer(server);
        var host = new ServerHost(server, log)
        {
            Reload = Reload,
            Metrics = page => ProxyMetrics.Write(page, Services(), SharedCaches(), HeldBytes()),
        };
        return host.Run(ListenersOf(_list is null ? poems : PoemsOf(_list.Read()), host));
    }

    private static ProxiedPoem[] PoemsOf(ServedPoem[] listed) => Array.ConvertAll(
        listed, line => ProxiedPoem.TryMake(line, out ProxiedPoem? poem, out string? problem)
            ? poem
            : throw new ListenFileError(line.LinePrefix + problem));

    private List<Listener> ListenersOf(ProxiedPoem[] proxied, ServerHost host)
    {
        var listeners = new List<Listener>();
        foreach (ProxiedPoem poem in proxied)
        {
            bool hasUnix = Array.Exists(poem.Upstream.Endpoints.ToArray(), mirror => mirror.IsUnix);
            if (hasUnix && settings.Proxy.Format == PoemFormat.Plain)
            {
                ProxyLog.FramingMissing(host.Log, poem.Upstream.ToString());
            }

            ProxyServerFactory MakeFactory(Worker worker) =>
                new(ProxiesOf(worker, host).ServiceOf(poem.Upstream), worker.Counters);

            // The clients of a poem share its fetch and its memory, so one reactor serves them all.
            listeners.Add(new Listener($"Proxying {poem.Upstream}", poem.Listen, MakeFactory)
            {
                LinePrefix = poem.LinePrefix,
                IsSingleWorker = true,
            });
        }

        return listeners;
    }

    /// <summary>Empties the cache. With a list, reads the list again instead: an unchanged line keeps its clients and its poem,
    /// the poem of a removed line is purged.</summary>
    private async Deferred<Unit> Reload(ServerHost host)
    {
        if (_list is null)
        {
            _perWorker.ForEach(static proxies => proxies.Purge());
            ProxyLog.CacheEmptied(host.Log);
            return default;
        }

        ProxiedPoem[] listed = PoemsOf(await _list.Read(host.First));
        HashSet<string> upstreams = [.. Services().ConvertAll(service => service.Upstream)];
        try
        {
            if (await host.Update(ListenersOf(listed, host)))
            {
                upstreams = [.. Array.ConvertAll(listed, poem => poem.Upstream.ToString())];
            }
        }
        finally
        {
            _perWorker.ForEach(proxies => proxies.Keep(upstreams));
        }

        return default;
    }

    private WorkerProxies ProxiesOf(Worker worker, ServerHost host)
    {
        WorkerProxies? proxies = _perWorker.Find(proxies => proxies.Worker == worker);
        if (proxies is null)
        {
            // Each worker has its own share of the limit, so no lock is needed.
            proxies = new WorkerProxies(worker, settings, settings.MaxCacheBytes / host.Workers, _outages, host.Log);
            _perWorker.Add(proxies);
            if (proxies.Shared is { } shared)
            {
                worker.Reactor.CallWhenRunning(shared.Start);
                worker.WhenIdle = shared.WhenIdle;
                worker.Ending = shared.Close;
            }
        }

        return proxies;
    }

    private long HeldBytes()
    {
        long held = 0;
        _perWorker.ForEach(proxies => held += proxies.Cache.HeldBytes);
        return held;
    }

    private List<SharedCache>? SharedCaches() =>
        settings.Shared is null ? null : _perWorker.ConvertAll(static proxies => proxies.Shared!);

    private List<ProxyService> Services()
    {
        var services = new List<ProxyService>();
        _perWorker.ForEach(proxies => services.AddRange(proxies.Services));
        return services;
    }
}
