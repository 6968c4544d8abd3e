using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The proxy services of one reactor, and the cache that they share.</summary>
internal sealed class WorkerProxies
{
    private readonly ProxySettings _settings;
    private readonly ILogger _log;
    private readonly PoemMemory _memory = new();
    private volatile ProxyService[] _services = [];

    /// <param name="worker">The services belong to its thread.</param>
    /// <param name="settings">The options of <c>proxy</c>.</param>
    /// <param name="maxCacheBytes">This reactor's share of the memory.</param>
    /// <param name="outages">The outages of the shared cache, which all workers share.</param>
    /// <param name="log">The log of the services.</param>
    public WorkerProxies(Worker worker, ProxySettings settings, long maxCacheBytes, SharedOutages outages, ILogger log)
    {
        Worker = worker;
        _settings = settings;
        _log = log;
        Cache = new ProxyCache(maxCacheBytes);
        if (settings.Shared is { } shared)
        {
            var store = new RedisStore(Worker.Reactor, shared.Address, shared.Timeout, shared.Names);
            Shared = new SharedCache(store, Worker.Reactor, log, OnPurged) { Outages = outages };
        }
    }

    public Worker Worker { get; }

    public ProxyCache Cache { get; }

    /// <summary>The cache that is shared with other proxies; null for none. To be used on the reactor's thread; any thread may
    /// read its figures.</summary>
    public SharedCache? Shared { get; }

    /// <summary>Replaced and never changed: the first worker adds and removes services, the reactor's thread purges them.</summary>
    public ProxyService[] Services => _services;

    /// <summary>The service of an upstream, which all its listeners share.</summary>
    public ProxyService ServiceOf(PoemMirrors upstream)
    {
        string name = upstream.ToString();
        ProxyService? service = Array.Find(_services, service => service.Upstream == name);
        if (service is null)
        {
            service = new ProxyService(name, FetchOf(upstream), Worker.Reactor, _settings.Proxy, Cache, _memory, _log)
            {
                Shared = Shared is null ? null : new SharedPoem(Shared, KeyOf(name)),
            };
            _services = [.. _services, service];
        }

        return service;
    }

    /// <summary>Purges all poems, here and in the shared cache. On the first worker's thread.</summary>
    public void Purge()
    {
        ProxyService[] services = _services;
        Clear(services);
        Worker.Call(() => Shared?.Purge(Array.ConvertAll(services, static service => service.Shared!.Key)));
    }

    /// <summary>Purges and removes the services of upstreams that no listener has any more. On the first worker's thread.</summary>
    /// <param name="upstreams">The names of the upstreams that stay.</param>
    public void Keep(HashSet<string> upstreams)
    {
        ProxyService[] gone = Array.FindAll(_services, service => !upstreams.Contains(service.Upstream));
        _services = Array.FindAll(_services, service => upstreams.Contains(service.Upstream));
        Clear(gone);
    }

    private void Clear(ProxyService[] services) => Worker.Call(() => Array.ForEach(services, static service => service.Clear()));

    /// <summary>Clears a poem that a proxy has purged; null means all poems.</summary>
    private void OnPurged(string? key)
    {
        foreach (ProxyService service in _services)
        {
            if (key is null || service.Shared!.Key == key)
            {
                service.Clear();
            }
        }
    }

    private string KeyOf(string upstream) =>
        _settings.Shared!.Names.KeyOf(_settings.Proxy.Format, _settings.Transform, upstream);

    /// <summary>Makes the function that fetches a poem from the first of its mirrors that delivers it, and transforms it if
    /// wanted.</summary>
    private Func<IPoemReceiver, Deferred<long>> FetchOf(PoemMirrors upstream)
    {
        string name = upstream.ToString();
        var failures = new Dictionary<Endpoint, RepeatedErrorLog>();
        foreach (Endpoint mirror in upstream.Endpoints)
        {
            failures.Add(mirror, new RepeatedErrorLog(
                Worker.Reactor,
                reason => ProxyLog.MirrorFailed(_log, name, reason),
                (count, reason) => ProxyLog.MirrorFailedAgain(_log, name, count, reason)));
        }

        ProxyOptions options = _settings.Proxy;
        var request = new PoemRequest(ConnectTimeout.Within(options.Timeout), options.Timeout, options.Format)
        {
            AllowEmpty = options.AllowEmpty,
            IsOwn = connection => LeadsTo(name, connection),
        };
        var mirrors = new MirrorFetch(
            upstream, Worker.Reactor, (mirror, receiver) => PoemFetch.Start(Worker.Reactor, mirror, request, receiver))
        {
            FailedOver = (mirror, error) => failures[mirror].Report($"{mirror}: {error.Message}"),
        };
        if (_settings.Transform is null)
        {
            return mirrors.Start;
        }

        byte[] transformation = Encoding.UTF8.GetBytes(_settings.Transform);
        var client = new TransformClient(Worker.Reactor, _settings.Via!, request.ConnectTimeout, request.Timeout);
        return receiver => new TransformedFetch(
            mirrors.Start,
            (text, output) => client.Transform(transformation, text.Text, output),
            $"{_settings.Via}",
            options.Format,
            options.MaxPoemBytes,
            receiver).Start();
    }

    /// <summary>True if a connection leads to a listener of the same upstream. For a host name this is only known after
    /// connecting.</summary>
    private bool LeadsTo(string upstream, ITransport connection)
    {
        SocketAddress peer = connection.Peer;
        foreach (ListeningPort port in Worker.Ports)
        {
            SocketAddress listen = port.Address;
            bool isSame = peer.Kind == AddressKind.Unix
                ? listen.Kind == AddressKind.Unix && Path.GetFullPath(listen.Path) == Path.GetFullPath(peer.Path)
                : listen.Port == peer.Port && (listen == peer || (listen.IsAny && connection.Host.WithPort(peer.Port) == peer));
            if (isSame && port.Factory is ProxyServerFactory { Service: var service } && service.Upstream == upstream)
            {
                return true;
            }
        }

        return false;
    }
}
