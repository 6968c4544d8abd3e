using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What the tests of the shared cache have in common.</summary>
public abstract class SharedCacheNativeTests : ProxyNativeTests
{
    private int _proxies;

    internal static void SendAll(Socket client, byte[] poem)
    {
        for (int sent = 0; sent < poem.Length;)
        {
            sent += client.Send(poem.AsSpan(sent));
        }

        client.Shutdown(SocketShutdown.Send);
    }

    /// <summary>The one key there is.</summary>
    internal static string KeyOf(RedisServer redis)
    {
        string[] keys = redis.Run("KEYS", "*")!.Split('\n');
        Assert.HasCount(1, keys);
        Assert.StartsWith("poetry:1:{", keys[0]);
        return keys[0];
    }

    internal double Figure(NativeBinary proxy, string name)
    {
        double sum = 0;
        foreach ((string key, double value) in HttpAnswer.Get(MetricsOf(proxy), "/metrics").Figures())
        {
            sum += key == name || key.StartsWith(name + "{", StringComparison.Ordinal) ? value : 0;
        }

        return sum;
    }

    internal NativeBinary[] SharingProxies(int count, RedisServer redis, params CountedUpstream[] upstreams) =>
        SharingProxies(count, redis, [], upstreams);

    /// <summary>Starts proxies with metrics, and waits until each has subscribed to the purges.</summary>
    internal NativeBinary[] SharingProxies(int count, RedisServer redis, string[] options, params CountedUpstream[] upstreams)
    {
        string[] addresses = Array.ConvertAll(upstreams, static upstream => $"0={upstream.Address}");
        var proxies = new NativeBinary[count];
        for (int i = 0; i < count; i++)
        {
            proxies[i] = SharingProxy(redis.Address, [.. options, .. addresses]);
            _ = proxies[i].Output.WaitForLines(upstreams.Length);
        }

        // Each worker subscribes that has a poem.
        Subscribed(redis, Array.IndexOf(options, "--workers") < 0 ? count : count * 2);
        return proxies;
    }

    /// <summary>Waits until so many proxies hear of purges.</summary>
    internal static void Subscribed(RedisServer redis, int count) => RedisCluster.Until(
        () => redis.Run("PUBSUB", "NUMSUB", "poetry:1:purge")!.EndsWith($":{count}", StringComparison.Ordinal), "the subscriptions");

    internal NativeBinary SharingProxy(string address, params string[] arguments)
    {
        string metrics = $"metrics{_proxies++}.sock";

        // On a busy machine half a second without a reply is no outage.
        string[] patience = Array.IndexOf(arguments, "--shared-timeout") < 0 ? ["--shared-timeout", "10"] : [];
        NativeBinary proxy = Proxy(["--shared-cache", address, "--metrics", $"unix:{Folder[metrics]}", .. patience, .. arguments]);
        MetricsPaths.Add(proxy, Folder[metrics]);
        return proxy;
    }

    private Dictionary<NativeBinary, string> MetricsPaths { get; } = [];

    private string MetricsOf(NativeBinary proxy) => MetricsPaths[proxy];
}

/// <summary>An upstream that counts the fetches.</summary>
internal sealed class CountedUpstream : IDisposable
{
    private readonly FaultServer _server;
    private int _fetches;

    /// <param name="onFetch">Given the client and its number, from 1.</param>
    public CountedUpstream(Action<Socket, int> onFetch)
    {
        _server = new FaultServer((client, number) =>
        {
            _ = Interlocked.Increment(ref _fetches);
            onFetch(client, number);
        });
    }

    public int Fetches => Volatile.Read(ref _fetches);

    public string Address => _server.Address;

    public void Dispose() => _server.Dispose();
}
