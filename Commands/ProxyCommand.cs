using System;
using System.Collections.Generic;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Proxies poems until it is told to stop.</summary>
internal sealed class ProxyCommand(ServerOptions server, ProxySettings settings)
{
    private readonly List<WorkerProxies> _perWorker = [];
    private readonly SharedOutages _outages = new();

    /// <summary>The names of all upstreams, as of the last reading of the list.</summary>
    private readonly HashSet<string> _upstreams = [];
    private PoetryLogger _log = null!;
    private ServerHost? _host;
    private int _workers = 1;

    /// <summary>Proxies the poems.</summary>
    /// <param name="poems">At least one, unless there is a list; no two on the same address unless its port is 0, and none its own
    /// upstream.</param>
    /// <returns>The exit code.</returns>
    public int Run(ProxiedPoem[] poems)
    {
        SignalQueue.Open(isServer: true);
        using PoetryLogger log = _log = PoetryLogger.ForServer(server);
        ListenFile? list = settings.ListFile is { } path ? new ListenFile(path, server, settings.Fallback) : null;
        poems = list is null ? poems : PoemsOf(list, list.Read());

        // A worker without a poem is not started, and gets no part of the cache.
        _workers = Math.Min(server.Workers, poems.Length);
        _host = new ServerHost(server, _log)
        {
            Reload = clock => list is null ? Purge() : ReadAgain(list, clock),
            Updated = _ =>
            {
                _perWorker.ForEach(proxies => proxies.Keep(_upstreams));
                return Deferred.Succeed(default(Unit));
            },
            Metrics = page => ProxyMetrics.Write(page, Services(), SharedCaches(), HeldBytes()),
        };
        return _host.Run(ListenersOf(poems));
    }

    private static ProxiedPoem[] PoemsOf(ListenFile list, List<ListenLine> lines)
    {
        var poems = new ProxiedPoem[lines.Count];
        for (int i = 0; i < poems.Length; i++)
        {
            (int number, Endpoint listen, string what) = lines[i];
            poems[i] = ProxiedPoem.TryMake(listen, what, out ProxiedPoem? poem, out string? problem)
                ? poem
                : throw list.ErrorAt(number, problem);
            poems[i].Place = list.PlaceOf(number);
        }

        return poems;
    }

    private List<Listener> ListenersOf(ProxiedPoem[] poems)
    {
        var listeners = new List<Listener>();
        foreach (ProxiedPoem poem in poems)
        {
            bool hasUnix = Array.Exists(poem.Upstream.Endpoints.ToArray(), mirror => mirror.IsUnix);
            if (hasUnix && settings.Proxy.Format == PoemFormat.Plain)
            {
                ProxyLog.FramingMissing(_log, poem.Upstream.ToString());
            }

            // The clients of a poem share its fetch and its memory, and so a reactor.
            listeners.Add(new Listener(
                $"Proxying {poem.Upstream}",
                poem.Listen,
                (reactor, records) => new ProxyServerFactory(ProxiesOf(reactor).ServiceOf(poem.Upstream), records))
            {
                Place = poem.Place,
                IsSingleWorker = true,
            });
        }

        return listeners;
    }

    /// <summary>Reads the list again. What is unchanged keeps its clients and its poem; what is gone is purged.</summary>
    private async Deferred<IReadOnlyList<Listener>?> ReadAgain(ListenFile list, IClock clock)
    {
        try
        {
            ProxiedPoem[] poems = PoemsOf(list, await list.Read(clock));
            _upstreams.Clear();
            Array.ForEach(poems, poem => _upstreams.Add(poem.Upstream.ToString()));
            return ListenersOf(poems);
        }
        catch (ListenFileError error)
        {
            ServerLog.ListenersKept(_log, error.Message);
            return null;
        }
    }

    private WorkerProxies ProxiesOf(Reactor reactor)
    {
        WorkerProxies? proxies = _perWorker.Find(proxies => proxies.Reactor == reactor);
        if (proxies is null)
        {
            // Each worker has its share of the limit, so that none needs a lock.
            Worker worker = _host!.WorkerOf(reactor);
            proxies = new WorkerProxies(worker, settings, settings.MaxCacheBytes / _workers, _outages, _log);
            _perWorker.Add(proxies);
            if (proxies.Shared is { } shared)
            {
                reactor.CallWhenRunning(shared.Start);
                worker.WhenIdle = shared.WhenIdle;
                worker.Ending = shared.Close;
            }
        }

        return proxies;
    }

    private Deferred<IReadOnlyList<Listener>?> Purge()
    {
        _perWorker.ForEach(static proxies => proxies.Purge());
        ProxyLog.CacheEmptied(_log);
        return Deferred.Succeed<IReadOnlyList<Listener>?>(null);
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
