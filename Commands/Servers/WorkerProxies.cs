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
    private readonly PoemRequest _request =
        new(ConnectTimeout.Within(settings.Timeout), settings.Timeout, settings.Proxy.Format) { AllowEmpty = settings.AllowEmpty };

    public Reactor Reactor => reactor;

    public ProxyCache Cache { get; } = new(maxCacheBytes);

    public List<ProxyService> Services { get; } = [];

    /// <summary>The service of an upstream: one for all listeners with the same one.</summary>
    public ProxyService ServiceOf(PoemMirrors upstream)
    {
        string name = upstream.ToString();
        ProxyService? service = Services.Find(service => service.Upstream == name);
        if (service is null)
        {
            service = new ProxyService(name, FetchOf(upstream), reactor, settings.Proxy, Cache, _memory, log);
            Services.Add(service);
        }

        return service;
    }

    /// <summary>Purges all poems, on the reactor's thread. May be called on any.</summary>
    public void Clear()
    {
        if (!reactor.IsReactorThread)
        {
            reactor.CallFromThread(Clear);
            return;
        }

        foreach (ProxyService service in Services)
        {
            service.Clear();
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
