using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Serves poems a piece at a time until it is told to stop; otherwise as <see cref="ServeCommand"/>.</summary>
internal sealed class SlowServeCommand
{
    /// <summary>Serves the poems.</summary>
    /// <param name="server">The options of all servers.</param>
    /// <param name="options">The poems, and how they are sent.</param>
    /// <param name="pace">Piece length and delay.</param>
    /// <returns>The exit code.</returns>
    public int Run(ServerOptions server, ServeOptions options, Pace pace) =>
        new ServeCommand
        {
            MakeFactory = (source, reactor, records) => new SlowPoemServerFactory(source, pace, reactor, reactor.Timers, records),
        }.Run(server, options);
}
