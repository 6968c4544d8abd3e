using System.Globalization;

namespace Poetry.Protocols;

/// <summary>The metrics of proxies, with a label for the upstream.</summary>
/// <remarks>Services belong to their reactors: values from other threads may be slightly old.</remarks>
internal sealed class ProxyMetrics
{
    private readonly MetricsPage _page;

    /// <summary>The services by upstream: each reactor may have a service for it, and a label may occur only once.</summary>
    private readonly SortedList<string, List<ProxyService>> _upstreams = new(StringComparer.Ordinal);

    private ProxyMetrics(MetricsPage page, IEnumerable<ProxyService> services)
    {
        _page = page;
        foreach (ProxyService service in services)
        {
            if (!_upstreams.TryAdd(service.Upstream, [service]))
            {
                _upstreams[service.Upstream].Add(service);
            }
        }
    }

    /// <summary>Adds the metrics to a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="services">The services of all reactors.</param>
    /// <param name="shared">The shared caches of all reactors; null if poems are not shared.</param>
    /// <param name="heldBytes">The <see cref="ProxyCache.HeldBytes"/> of all reactors together.</param>
    public static void Write(MetricsPage page, IEnumerable<ProxyService> services, List<SharedCache>? shared, long heldBytes)
    {
        page.Gauge("proxy_held_bytes", "Memory of all poems: kept, arriving, or still being sent.", heldBytes);
        var metrics = new ProxyMetrics(page, services);
        metrics.Counter("proxy_hits_total", "Clients served from memory.", static service => service.Hits);
        metrics.Counter("proxy_misses_total", "Clients not served from memory.", static service => service.Misses);
        metrics.Counter("proxy_coalesced_total", "Clients that joined a fetch under way.", static service => service.Coalesced);
        metrics.Counter("proxy_stale_total", "Clients that were given a stale poem.", static service => service.StaleServed);
        metrics.Counter("proxy_refused_total", "Clients reset in a pause after a failed fetch.", static service => service.Refusals);
        metrics.Counter("proxy_probes_total", "Clients that left before a fetch began for them.", static service => service.Probes);
        metrics.Counter("proxy_fetches_total", "Fetches begun.", static service => service.Fetches);
        metrics.Counter("proxy_refreshes_total", "Fetches begun in the background.", static service => service.Refreshes);
        metrics.Counter("proxy_fetch_failures_total", "Fetches that failed.", static service => service.Failures);
        metrics.Counter("proxy_fetch_cancels_total", "Fetches that were cancelled.", static service => service.Cancels);
        metrics.Gauge("proxy_fetches", "Fetches under way.", static service => service.FetchesInFlight);
        metrics.Gauge("proxy_paused", "1 while an upstream is left alone after a failed fetch.", static service => service.IsPaused ? 1 : 0);
        metrics.Gauge("proxy_waiters", "Clients that wait for a fetch.", static service => service.Waiters);
        metrics.Gauge("proxy_cached_bytes", "Bytes of the kept poem.", static service => service.CachedBytes);
        metrics.FirstByte();
        if (shared is not null)
        {
            metrics.Shared(shared);
        }
    }

    private void Shared(List<SharedCache> caches)
    {
        bool isUsable = caches.TrueForAll(static cache => cache.IsUsable);
        long outages = caches.Count > 0 ? caches[0].Outages.Count : 0;
        _page.Gauge("proxy_shared_up", "1 while the shared cache is used, 0 in an outage.", isUsable ? 1 : 0);
        _page.Counter("proxy_shared_outages_total", "Times that the shared cache could not be used any more.", outages);
        SharedCounter("proxy_shared_hits_total", "Poems that came from the shared cache.", static poem => poem.Hits);
        SharedCounter("proxy_shared_misses_total", "Poems that were not in the shared cache.", static poem => poem.Misses);
        SharedCounter("proxy_shared_waits_total", "Fetches that waited for that of another proxy.", static poem => poem.Waits);
        SharedCounter("proxy_shared_stores_total", "Poems stored in the shared cache.", static poem => poem.Stores);
        SharedCounter(
            "proxy_shared_refusals_total", "Times that the shared cache refused to store a poem or its lock.", static poem => poem.Refusals);
        SharedCounter(
            "proxy_shared_locks_lost_total", "Poems neither stored nor kept, because the lock was lost.", static poem => poem.LocksLost);
    }

    private void SharedCounter(string name, string help, Func<SharedPoem, long> value) =>
        Counter(name, help, service => service.Shared is { } poem ? value(poem) : 0);

    private void Counter(string name, string help, Func<ProxyService, long> value) => Family(name, help, "counter", value);

    private void Gauge(string name, string help, Func<ProxyService, long> value) => Family(name, help, "gauge", value);

    private void Family(string name, string help, string type, Func<ProxyService, long> value)
    {
        _page.Head(name, help, type);
        foreach ((string upstream, List<ProxyService> services) in _upstreams)
        {
            long sum = 0;
            services.ForEach(service => sum += value(service));
            _page.Sample(name, "upstream", upstream, sum.ToString(CultureInfo.InvariantCulture));
        }
    }

    private void FirstByte()
    {
        const string Name = "proxy_first_byte_seconds";
        _page.Head(Name, "From accept to the first byte that a client was sent.", "histogram");
        foreach ((string upstream, List<ProxyService> services) in _upstreams)
        {
            var sum = new Histogram();
            services.ForEach(service => sum.Add(service.FirstByte));
            _page.Sample(Name, "upstream", upstream, sum);
        }
    }
}
