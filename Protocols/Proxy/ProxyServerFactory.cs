using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>Builds the protocols of one listener, and reuses them: sending a poem from memory allocates no object.</summary>
internal sealed class ProxyServerFactory(ProxyService service, ILogger log) : ReusingFactory<ProxyServer>
{
    public ProxyService Service => service;

    public ILogger Log => log;

    private protected override ProxyServer Make() => new(this);
}
