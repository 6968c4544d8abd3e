using Poetry.Commands;

namespace Poetry;

/// <summary>The door of the program.</summary>
internal static class Program
{
    private static int Main(string[] args) => CommandRunner.Run(args);
}
