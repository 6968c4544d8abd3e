using Poetry.Commands;

namespace Poetry;

/// <summary>The entry point of the process.</summary>
internal static class Program
{
    private static int Main(string[] args) => CommandRunner.Run(args);
}
