using System.Globalization;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The figures of a server, summed over its workers, for SIGUSR1 and, as a service, for the metrics page. Runs on the first
/// worker's thread; the figures of other workers may be slightly old.
/// </summary>
/// <param name="workers">All workers; the first one's reactor serves the page.</param>
/// <param name="addresses">The addresses of the page.</param>
/// <param name="maxConnections">The maximum number of connections of all metrics ports together.</param>
/// <param name="more">Adds the command's own figures; null for none.</param>
/// <param name="log">The log for the ready line of the page. The page shows the number of records that it dropped.</param>
internal sealed class ServerStatistics(
    List<Worker> workers,
    SocketAddress[] addresses,
    int maxConnections,
    Action<MetricsPage>? more,
    PoetryLogger log) : Service, IMetricsSource
{
    /// <summary>The interval at which the lag of the loop is measured. The page shows the maximum since the last request for it.</summary>
    private static readonly TimeSpan LagInterval = TimeSpan.FromSeconds(0.5);

    private readonly double _startTime = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
    private TimeSpan _maxLag;
    private TimeSpan _expectedTick;

    public bool IsReady => Running;

    private Reactor First => workers[0].Reactor;

    /// <summary>Writes one line of statistics into the log.</summary>
    public static void Write(ILogger log, List<Worker> workers)
    {
        PortFigures ports = SumPorts(workers);
        ServerLog.Statistics(
            log,
            ports.Open,
            ports.Accepted,
            CountEnded(workers, ConnectionOutcome.Whole),
            CountEnded(workers, ConnectionOutcome.Left),
            CountEnded(workers, ConnectionOutcome.Timeout),
            Sum(workers, static worker => worker.Counters.BytesSent),
            Sum(workers, static worker => worker.Reactor.DelayedCalls),
            Sum(workers, static worker => worker.Reactor.StaleEvents));
    }

    /// <summary>Serves the page, and measures the lag of the loop. When the service has stopped, the page is still served and
    /// says that the server is not ready.</summary>
    /// <exception cref="CannotListenError">An address cannot be bound.</exception>
    public override void StartService()
    {
        base.StartService();
        var factory = new MetricsServerFactory(this, First);

        // Not one of the worker's ports: it answers while the server drains, and its clients are not counted.
        var options = new ListenOptions { IgnoredByDrain = true, Limit = new ConnectionLimit(maxConnections) };
        foreach (SocketAddress address in addresses)
        {
            ListeningPort port = address.Kind == AddressKind.Unix
                ? First.ListenUnix(address.Path, factory, options)
                : First.ListenTcp(address, factory, options);
            ServerLog.MetricsStarted(log, port.Address);
        }

        ExpectTick();
    }

    public void WriteTo(MetricsPage page)
    {
        PortFigures ports = SumPorts(workers);
        long bytes = Sum(workers, static worker => worker.Counters.BytesSent);
        long delayedCalls = Sum(workers, static worker => worker.Reactor.DelayedCalls);
        long staleEvents = Sum(workers, static worker => worker.Reactor.StaleEvents);
        page.Counter("connections_total", "Connections that were accepted.", ports.Accepted);
        page.Gauge("connections_open", "Connections that have not ended.", ports.Open);
        page.Counter("sent_bytes_total", "Bytes sent on connections that have ended.", bytes);
        page.Head("connections_ended_total", "Connections that have ended, by outcome.", "counter");
        for (int i = 0; i < ConnectionCounters.OutcomeCount; i++)
        {
            var outcome = (ConnectionOutcome)i;
            string count = CountEnded(workers, outcome).ToString(CultureInfo.InvariantCulture);
            page.Sample("connections_ended_total", "outcome", ConnectionRecord.Word(outcome), count);
        }

        page.Head("connections_rejected_total", "Connections that were reset at once, by reason.", "counter");
        page.Sample("connections_rejected_total", "reason", "address", ports.ByAddress.ToString(CultureInfo.InvariantCulture));
        page.Sample("connections_rejected_total", "reason", "proxy_header", ports.ByHeader.ToString(CultureInfo.InvariantCulture));
        page.Counter("connections_without_header_total", "Connections closed before a byte of their PROXY header.", ports.WithoutHeader);
        page.Head("delivery_seconds", "From accept to the last byte, of connections that got everything.", "histogram");
        page.Sample("delivery_seconds", null, null, SumDelivery());
        page.Head("build_info", "Always 1; the version is in the label.", "gauge");
        page.Sample("build_info", "version", BuildFacts.Version, "1");
        page.Gauge("process_start_time_seconds", "When the server started, in seconds since 1970.", _startTime);
        page.Gauge("loop_lag_seconds", "Maximum delay of the loop since the last request for this page.", _maxLag.TotalSeconds);
        page.Gauge("delayed_calls", "Delayed calls that are pending.", delayedCalls);
        page.Counter("stale_events_total", "Events for descriptors that had gone.", staleEvents);
        page.Counter("log_records_dropped_total", "Log records that could not be written.", log.Buffer.Dropped);
        if (NativeProcess.OpenDescriptors() is { } descriptors)
        {
            page.Gauge("open_descriptors", "Descriptors of the process.", descriptors);
        }

        _maxLag = TimeSpan.Zero;
        more?.Invoke(page);
    }

    private Histogram SumDelivery()
    {
        var sum = new Histogram();
        workers.ForEach(worker => sum.Add(worker.Counters.Delivery));
        return sum;
    }

    private static PortFigures SumPorts(List<Worker> workers)
    {
        PortFigures sum = default;
        workers.ForEach(worker => sum += worker.Figures);
        return sum;
    }

    private static long CountEnded(List<Worker> workers, ConnectionOutcome outcome) =>
        Sum(workers, worker => worker.Counters.Ended(outcome));

    private static long Sum(List<Worker> workers, Func<Worker, long> figure)
    {
        long sum = 0;
        workers.ForEach(worker => sum += figure(worker));
        return sum;
    }

    private void ExpectTick()
    {
        _expectedTick = First.Now + LagInterval;
        _ = First.CallLater(LagInterval, this, static statistics => statistics.Tick());
    }

    private void Tick()
    {
        TimeSpan lag = First.Now - _expectedTick;
        _maxLag = lag > _maxLag ? lag : _maxLag;
        ExpectTick();
    }
}
