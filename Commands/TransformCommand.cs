using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Transforms texts until a signal ends it: one service on a netstring port and, as an option, on a text port.</summary>
/// <param name="server">The options of all servers.</param>
/// <param name="options">The options of <c>transform</c>.</param>
internal sealed class TransformCommand(ServerOptions server, TransformOptions options)
{
    private const long MiB = 1024 * 1024;

    /// <summary>The minimum that the control group must leave. A group of 48 MiB leaves more. In one of 32 MiB the kernel killed
    /// a server with 15,000 clients.</summary>
    private const long MinGroupMemory = 40 * MiB;

    /// <summary>Memory for the buffers of the loop, the log and the runtime. <c>ulimit -v 49152</c> leaves 8 MiB.</summary>
    private const long MinMemory = 6 * MiB;

    private readonly Dictionary<Reactor, TransformService> _services = [];
    private readonly TransformLimits _limits = new(options.MaxLength, options.Timeout, options.MaxMemory ?? DefaultMemory());
    private ServerHost? _host;

    public ServerOptions Server => server;

    public TransformOptions Options => options;

    /// <summary>Serves transformations. SIGHUP does nothing: there is nothing to reload.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        if (AvailableMemory.GroupBytes() is var group && group < MinGroupMemory)
        {
            return CommandRunner.Fail($"too little memory: the control group leaves {group / MiB} MiB, {MinGroupMemory / MiB} are needed");
        }

        if (AvailableMemory.Bytes() is var available && available < MinMemory)
        {
            return CommandRunner.Fail($"too little memory: {available / MiB} MiB are left, {MinMemory / MiB} are needed");
        }

        using var log = PoetryLogger.ForServer(server);
        var listeners = new List<Listener>
        {
            new("Serving transforms", options.Listen, worker => MakeFactory(worker, asText: false)),
        };
        if (options.TextListen is { } textListen)
        {
            listeners.Add(new Listener("Serving transforms as text", textListen, worker => MakeFactory(worker, asText: true)));
        }

        _host = new ServerHost(server, log) { Metrics = Describe, DescriptorsPerClient = options.Upstream is null ? 1 : 2 };
        return _host.Run(listeners);
    }

    /// <summary>The default of <c>--max-memory</c>: at most half of the memory that the machine, its control group or <c>ulimit
    /// -v</c> leaves.</summary>
    private static long DefaultMemory()
    {
        long available = AvailableMemory.Bytes();
        long most = Math.Min(available / 2, available - MinMemory);
        return Math.Clamp(most, TransformLimits.MinMemory, TransformLimits.DefaultMemory);
    }

    private TransformServerFactory MakeFactory(Worker worker, bool asText) =>
        new(ServiceOf(worker.Reactor), asText, _limits, worker.Reactor, worker.Reactor.Timers, worker.Counters);

    /// <summary>The service for all ports of all reactors. With an upstream, each reactor has its own service, because it
    /// connects.</summary>
    private TransformService ServiceOf(Reactor reactor)
    {
        Reactor owner = options.Upstream is null ? _host!.First : reactor;
        if (!_services.TryGetValue(owner, out TransformService? service))
        {
            _services[owner] = service = MakeService(owner);
        }

        return service;
    }

    private TransformService MakeService(Reactor reactor)
    {
        if (options.Upstream is not { } upstream)
        {
            return TransformService.BuiltIn();
        }

        TimeSpan connectTimeout = ConnectTimeout.Within(options.Timeout);
        return UpstreamTransformation.Service(new TransformClient(reactor, upstream, connectTimeout, options.Timeout)
        {
            Turns = new DeferredSemaphore(_host!.MaxUpstreamsPerWorker),
        });
    }

    private void Describe(MetricsPage page)
    {
        long succeeded = 0, failed = 0, unknown = 0;
        foreach (TransformService service in _services.Values)
        {
            succeeded += service.Succeeded;
            failed += service.Failed;
            unknown += service.Unknown;
        }

        page.Counter("transforms_total", "Texts that were transformed.", succeeded);
        page.Counter("transforms_failed_total", "Transformations that failed.", failed);
        page.Counter("transforms_unknown_total", "Requests for transformations that do not exist.", unknown);
    }
}
