using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Builds the protocols of one listener, and reuses them: a poem from memory costs no object.</summary>
internal sealed class ProxyServerFactory(ProxyService service, IClock clock, ILogger log) : ReusingFactory<ProxyServer>
{
    /// <summary>In the record of a client that was given a poem older than its lifetime.</summary>
    public const string Stale = "stale";

    public ProxyService Service => service;

    public IClock Clock => clock;

    private protected override ProxyServer Make() => new(this);

    /// <summary>Logs how a delivery ended.</summary>
    internal void Record(in ConnectionRecord record, bool isProbe) => record.Log(log, isProbe ? LogLevel.Debug : LogLevel.Information);
}
