using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The commands, with their options read and checked. Each returns the exit code of the process. Tests use their own in
/// place of <see cref="AllCommands"/>.
/// </summary>
internal interface ICommands
{
    /// <summary>See <see cref="ServeCommand"/>.</summary>
    int Serve(ServerOptions server, ServeOptions options);

    /// <summary>See <see cref="SlowServeCommand"/>.</summary>
    int SlowServe(ServerOptions server, ServeOptions options, Pace pace);

    /// <summary>See <see cref="TransformCommand"/>.</summary>
    int Transform(ServerOptions server, TransformOptions options);

    /// <summary>See <see cref="ProxyCommand"/>.</summary>
    int Proxy(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems);

    /// <summary>See <see cref="GetCommand"/>.</summary>
    int Get(GetOptions options, PoemMirrors[] addresses);
}

/// <summary>The commands of the program.</summary>
internal sealed class AllCommands : ICommands
{
    /// <inheritdoc/>
    public int Serve(ServerOptions server, ServeOptions options) => new ServeCommand().Run(server, options);

    /// <inheritdoc/>
    public int SlowServe(ServerOptions server, ServeOptions options, Pace pace) =>
        new SlowServeCommand().Run(server, options, pace);

    /// <inheritdoc/>
    public int Transform(ServerOptions server, TransformOptions options) => new TransformCommand(options).Run(server);

    /// <inheritdoc/>
    public int Proxy(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems)
    {
        using var proxy = new ProxyCommand(server, settings);
        return proxy.Run(poems);
    }

    /// <inheritdoc/>
    public int Get(GetOptions options, PoemMirrors[] addresses) => new GetCommand().Run(options, addresses);
}
