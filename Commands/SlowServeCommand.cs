using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Serves poems a piece at a time, until it is told to stop: as <see cref="ServeCommand"/>, in no hurry.</summary>
internal sealed class SlowServeCommand
{
    /// <summary>Serves the poems.</summary>
    /// <param name="server">What all servers share.</param>
    /// <param name="poems">At least one; no two on the same address unless its port is 0.</param>
    /// <param name="pace">How slowly.</param>
    /// <param name="format">How every poem travels.</param>
    /// <returns>The exit code.</returns>
    public int Run(ServerOptions server, ServedPoem[] poems, Pace pace, PoemFormat format) =>
        new ServeCommand
        {
            MakeFactory = (source, reactor, records) => new SlowPoemServerFactory(source, pace, reactor, reactor.Timers, records),
        }.Run(server, poems, format);
}
