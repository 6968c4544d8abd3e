using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>The options that all servers share.</summary>
internal sealed class ServerSyntax(Binding binding)
{
    /// <summary>The maximum number of workers, against typing errors: more reactors than processors only wait for each other.</summary>
    private const int MaxWorkers = 1024;

    public ServerOptions Options { get; private set; } = null!;

    /// <summary>Options of all servers.</summary>
    /// <param name="port">-p, N: Port to listen on; 0 takes a free one</param>
    /// <param name="iface">ADDRESS: Address to listen on</param>
    /// <param name="workers">N|auto: Reactors, each on its own thread; auto is one a core</param>
    /// <param name="maxConnections">N: Maximum simultaneous clients, 0 for no limit (default: what the descriptor limit allows)</param>
    /// <param name="maxPerAddress">N: Maximum connections of one client address (IPv6: of one /64), 0 for no limit</param>
    /// <param name="proxyProtocol">Require a PROXY protocol header, which names the client: behind a load balancer</param>
    /// <param name="sendTimeout">SECONDS: Reset a client that takes no data for this time, 0 for never</param>
    /// <param name="drain">SECONDS: On SIGTERM finish running transfers for at most this time, 0 for no limit</param>
    /// <param name="logLevel">trace|debug|info|warn|error: Minimum level to log</param>
    /// <param name="logFormat">text|json: Format of the log</param>
    /// <param name="logFile">FILE: Log to a file, reopened on SIGUSR2, instead of standard error</param>
    /// <param name="metrics">ADDRESS: Serve /metrics, /healthz and /readyz over HTTP here</param>
    public void Servers(
        string port = "0",
        string iface = Endpoint.DefaultHost,
        string workers = "1",
        string? maxConnections = null,
        string maxPerAddress = "0",
        bool proxyProtocol = false,
        string sendTimeout = "60",
        string drain = "10",
        string logLevel = "info",
        string logFormat = "text",
        string? logFile = null,
        string? metrics = null) => Options = new ServerOptions
        {
            Port = (int)binding.Read<long>(port, TryParsePort),
            Iface = binding.Read<string>(iface, Endpoint.TryParseHost) ?? iface,
            Workers = (int)binding.Read<long>(workers, TryParseWorkers),
            MaxConnections = maxConnections is null ? null : (int)binding.Read<long>(maxConnections, TryParseCount),
            MaxPerAddress = (int)binding.Read<long>(maxPerAddress, TryParseCount),
            ProxyProtocol = proxyProtocol,
            SendTimeout = binding.Read<TimeSpan>(sendTimeout, Quantity.TryParseLimit),
            Drain = binding.Read<TimeSpan>(drain, Quantity.TryParseLimit),
            LogLevel = (LogLevel)binding.ReadWord(logLevel),
            LogFormat = (LogFormat)binding.ReadWord(logFormat),
            LogFile = binding.Read<string>(logFile, GetSyntax.TryParsePath),
            Metrics = binding.Read<Endpoint>(metrics, Endpoint.TryParseListening),
        };

    /// <summary>Refuses an option that has no effect because every listener has its own address.</summary>
    /// <param name="listeners">The addresses of the listeners as typed; null for a listener without one.</param>
    /// <param name="usesIface">True if something else listens on <c>--iface</c>.</param>
    public void RefuseUnused(Endpoint?[] listeners, bool usesIface = false)
    {
        bool usesPort = listeners.Length == 0 || Array.Exists(listeners, listener => listener is null);
        usesIface |= listeners.Length == 0 || Array.Exists(listeners, listener => listener is not { HasHost: true });
        binding.Refuse(!usesPort && binding.Has("--port") ? NoEffect("--port")
            : !usesIface && binding.Has("--iface") ? NoEffect("--iface") : null);
    }

    /// <summary>Refuses two listeners on the same address.</summary>
    /// <param name="listeners">The complete addresses of the listeners.</param>
    /// <param name="things">The served things, as a plural for the message.</param>
    /// <param name="form">The form of an argument, for the message.</param>
    public void RefuseTwice(Endpoint[] listeners, string things, string form)
    {
        var taken = new HashSet<Endpoint>();
        Endpoint? twice = Array.Find(listeners, listener => listener.IsFixed && !taken.Add(listener));
        binding.Refuse(twice is null ? null : $"two {things} on {twice}: say {form} for each");
    }

    /// <summary>The problem with an option if every listener has its own address.</summary>
    public static string NoEffect(string option) => $"{option} has no effect: there is another address to listen on";

    public static bool TryParsePort(string text, out long port, [NotNullWhen(false)] out string? problem)
    {
        bool ok = Quantity.TryParseNumber(text, 0, ushort.MaxValue, out port, out problem);
        problem = ok ? null : $"'{text}' is not a port from 0 to 65535";
        return ok;
    }

    /// <summary>Reads a count, which may be 0.</summary>
    public static bool TryParseCount(string text, out long count, [NotNullWhen(false)] out string? problem) =>
        Quantity.TryParseNumber(text, 0, int.MaxValue, out count, out problem);

    private static bool TryParseWorkers(string text, out long workers, [NotNullWhen(false)] out string? problem)
    {
        workers = Environment.ProcessorCount;
        problem = null;
        if (text != "auto" && !Quantity.TryParseNumber(text, 1, MaxWorkers, out workers, out problem))
        {
            problem = $"'{text}' is neither a number from 1 to {MaxWorkers} nor auto";
        }

        return problem is null;
    }
}
