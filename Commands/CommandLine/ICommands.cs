using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The commands, with their options read and checked. Each returns the exit code of the process. Tests use their own in
/// place of <see cref="AllCommands"/>.
/// </summary>
internal interface ICommands
{
    int Serve(ServerOptions server, ServeOptions options);

    int SlowServe(ServerOptions server, ServeOptions options, Pace pace);

    int Transform(ServerOptions server, TransformOptions options);

    int Proxy(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems);

    int Get(GetOptions options, PoemMirrors[] addresses);
}

/// <summary>The commands of the program.</summary>
internal sealed class AllCommands : ICommands
{
    public int Serve(ServerOptions server, ServeOptions options) => new ServeCommand().Run(server, options);

    public int SlowServe(ServerOptions server, ServeOptions options, Pace pace) => new ServeCommand
    {
        MakeFactory = (source, reactor, records) => new SlowPoemServerFactory(source, pace, reactor, reactor.Timers, records),
    }.Run(server, options);

    public int Transform(ServerOptions server, TransformOptions options) => new TransformCommand(options).Run(server);

    public int Proxy(ServerOptions server, ProxySettings settings, ProxiedPoem[] poems) =>
        new ProxyCommand(server, settings).Run(poems);

    public int Get(GetOptions options, PoemMirrors[] addresses) => new GetCommand().Run(options, addresses);
}
