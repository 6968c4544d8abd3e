namespace Poetry.Commands;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Something failed at run time, and standard error says what.</summary>
    public const int Failure = 1;

    /// <summary>The command line was wrong; nothing was done.</summary>
    public const int WrongUsage = 2;

    /// <summary>An internal error, a bug: <c>EX_SOFTWARE</c> of sysexits.h.</summary>
    public const int InternalError = 70;

    /// <summary>Ended by SIGINT: 128 and the number of the signal, as shells report it.</summary>
    public const int Interrupted = 130;

    /// <summary>Ended by SIGHUP, for example because the terminal was closed.</summary>
    public const int HungUp = 129;

    public const int Terminated = 143;
}
