using System;
using System.Collections.Generic;
using System.Globalization;

namespace Poetry.Protocols;

/// <summary>The figures of proxies on the metrics page, told apart by their upstreams.</summary>
/// <remarks>Services belong to their reactors; what is read of another thread's is as of some recent moment.</remarks>
internal static class ProxyMetrics
{
    /// <summary>Adds them to the page.</summary>
    /// <param name="page">Takes them.</param>
    /// <param name="services">Of all reactors.</param>
    /// <param name="heldBytes">What <see cref="ProxyCache.HeldBytes"/> are of all reactors together.</param>
    public static void Write(MetricsPage page, IEnumerable<ProxyService> services, long heldBytes)
    {
        page.Gauge("proxy_held_bytes", "What all poems in memory weigh: kept, on their way, or still being read.", heldBytes);

        // Two reactors may proxy the same upstream, each with a service of its own, and a sample may occur only once.
        var sorted = new List<ProxyService>(services);
        sorted.Sort(static (one, other) => string.CompareOrdinal(one.Upstream, other.Upstream));
        Family("proxy_hits_total", "Clients served from memory.", "counter", static service => service.Hits);
        Family("proxy_misses_total", "Clients that needed a fetch.", "counter", static service => service.Misses);
        Family("proxy_coalesced_total", "Clients that joined a fetch under way.", "counter", static service => service.Coalesced);
        Family("proxy_stale_total", "Clients that got a stale poem for want of a fresh one.", "counter", static service => service.StaleServed);
        Family("proxy_fetches_total", "Fetches begun.", "counter", static service => service.Fetches);
        Family("proxy_fetch_failures_total", "Fetches that failed.", "counter", static service => service.Failures);
        Family("proxy_fetch_cancels_total", "Fetches that nobody waited for any more.", "counter", static service => service.Cancels);
        Family("proxy_fetches", "Fetches under way.", "gauge", static service => service.FetchesInFlight);
        Family("proxy_waiters", "Clients that wait for a fetch.", "gauge", static service => service.Waiters);
        Family("proxy_cached_bytes", "What the kept poem weighs.", "gauge", static service => service.CachedBytes);

        void Family(string name, string help, string type, Func<ProxyService, long> value)
        {
            page.Head(name, help, type);
            for (int i = 0; i < sorted.Count;)
            {
                string upstream = sorted[i].Upstream;
                long sum = 0;
                for (; i < sorted.Count && sorted[i].Upstream == upstream; i++)
                {
                    sum += value(sorted[i]);
                }

                page.Sample(name, "upstream", upstream, sum.ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
