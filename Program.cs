namespace Poetry;

internal static class Program
{
    private static int Main(string[] args)
    {
        _ = new System.CommandLine.RootCommand("x").Parse(args).Invoke();
        return 0;
    }
}
