using System;
using System.Collections.Generic;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The proxy services of one reactor, and the cache that they share.</summary>
/// <param name="reactor">The services belong to its thread.</param>
/// <param name="settings">How poems are fetched and kept.</param>
/// <param name="maxCacheBytes">This reactor's share of the memory.</param>
/// <param name="log">Where they log.</param>
internal sealed class WorkerProxies(Reactor reactor, ProxySettings settings, long maxCacheBytes, ILogger log)
{
    private readonly PoemMemory _memory = new();
    private volatile ProxyService[] _services = [];
    private readonly PoemRequest _request =
        new(ConnectTimeout.Within(settings.Timeout), settings.Timeout, settings.Proxy.Format) { AllowEmpty = settings.AllowEmpty };

    public Reactor Reactor => reactor;

    public ProxyCache Cache { get; } = new(maxCacheBytes);

    /// <summary>Replaced and never changed: the first worker adds and removes services, the reactor's thread purges them.</summary>
    public ProxyService[] Services => _services;

    /// <summary>The service of an upstream: one for all listeners with the same one.</summary>
    public ProxyService ServiceOf(PoemMirrors upstream)
    {
        string name = upstream.ToString();
        ProxyService? service = Array.Find(_services, service => service.Upstream == name);
        if (service is null)
        {
            service = new ProxyService(name, FetchOf(upstream), reactor, settings.Proxy, Cache, _memory, log);
            _services = [.. _services, service];
        }

        return service;
    }

    /// <summary>Purges all poems, on the reactor's thread. May be called on any.</summary>
    public void Clear()
    {
        Clear(_services);
    }

    /// <summary>Purges and drops the services of upstreams that no listener has any more. On the first worker's thread.</summary>
    /// <param name="upstreams">The names of those that are left.</param>
    public void Keep(HashSet<string> upstreams)
    {
        ProxyService[] gone = Array.FindAll(_services, service => !upstreams.Contains(service.Upstream));
        _services = Array.FindAll(_services, service => upstreams.Contains(service.Upstream));
        Clear(gone);
    }

    private void Clear(ProxyService[] services)
    {
        if (reactor.IsReactorThread)
        {
            Array.ForEach(services, static service => service.Clear());
        }
        else
        {
            reactor.CallFromThread(() => Clear(services));
        }
    }

    /// <summary>How a poem is fetched: from the first of its mirrors that delivers it, and then perhaps transformed.</summary>
    private Func<IPoemReceiver, Deferred<long>> FetchOf(PoemMirrors upstream)
    {
        string name = upstream.ToString();
        var failures = new RepeatedErrorLog(
            reactor,
            reason => ProxyLog.MirrorFailed(log, name, reason),
            (count, reason) => ProxyLog.MirrorFailedAgain(log, name, count, reason));
        var mirrors = new MirrorFetch(
            upstream, reactor, (mirror, receiver) => PoemFetch.Start(reactor, mirror, _request, receiver))
        {
            FailedOver = (mirror, error) => failures.Report($"{mirror}: {error.Message}"),
        };
        if (settings.Transform is null)
        {
            return mirrors.Start;
        }

        byte[] transformation = Encoding.UTF8.GetBytes(settings.Transform);
        var client = new TransformClient(reactor, settings.Via!, _request.ConnectTimeout, settings.Timeout);
        return receiver => TransformedFetch.Start(
            mirrors.Start,
            (text, output) => client.Transform(transformation, text.Text, output),
            settings.Proxy.Format,
            settings.Proxy.MaxPoemBytes,
            receiver);
    }
}
