using System;
using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

/// <summary>Commands that only remember what they were given.</summary>
internal sealed class RecordingCommands : ICommands
{
    public const int ExitCode = 42;

    /// <summary>What running a command throws; null for nothing.</summary>
    public Exception? Thrown { get; set; }

    public ServerOptions? Server { get; private set; }

    public ServeOptions? Served { get; private set; }

    public Pace? Pace { get; private set; }

    public TransformOptions? Transformed { get; private set; }

    public ProxySettings? Settings { get; private set; }

    public ProxiedPoem[] Proxied { get; private set; } = [];

    public GetOptions? Options { get; private set; }

    public PoemMirrors[] Addresses { get; private set; } = [];

    public int Serve(ServerOptions server, ServeOptions options)
    {
        (Server, Served) = (server, options);
        return Finish();
    }

    public int SlowServe(ServerOptions server, ServeOptions options, Pace pace)
    {
        (Server, Served, Pace) = (server, options, pace);
        return Finish();
    }

    public int Transform(ServerOptions server, TransformOptions options)
    {
        (Server, Transformed) = (server, options);
        return Finish();
    }

    public int Proxy(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems)
    {
        (Server, Settings, Proxied) = (server, settings, poems);
        return Finish();
    }

    public int Get(GetOptions options, PoemMirrors[] addresses)
    {
        (Options, Addresses) = (options, addresses);
        return Finish();
    }

    private int Finish() => Thrown is null ? ExitCode : throw Thrown;
}
