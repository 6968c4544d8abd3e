namespace Poetry.Net;

/// <summary>
/// Chooses the backend. The native compiler evaluates the guards, so that a binary contains only the backends of its own
/// system.
/// </summary>
internal static class PollerChoice
{
    /// <summary>The environment variable that selects a backend: <c>epoll</c>, <c>kqueue</c> or <c>select</c>.</summary>
    public const string Variable = "POETRY_REACTOR";

    /// <summary>Creates the backend that <see cref="Variable"/> names; if it is not set, the best one of this system.</summary>
    /// <exception cref="PollerUnavailableError">There is no such backend, or it can't run here.</exception>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    public static Poller Create()
    {
        string? name = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(name) ? CreateBest() : Create(name);
    }

    /// <summary>Creates the backend of that name.</summary>
    /// <exception cref="PollerUnavailableError">There is no such backend, or it can't run here.</exception>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    public static Poller Create(string name) => name switch
    {
        "epoll" => OperatingSystem.IsLinux()
            ? new EpollPoller()
            : throw new PollerUnavailableError($"{Variable}: epoll runs on Linux only"),
        "kqueue" => CreateKqueue(),
        "select" => CreateSelect(),
        _ => throw new PollerUnavailableError($"{Variable}: unknown backend '{name}'; the backends are epoll, kqueue and select"),
    };

    private static Poller CreateBest()
    {
        if (OperatingSystem.IsLinux())
        {
            try
            {
                return new EpollPoller();
            }
            catch (PollerUnavailableError)
            {
                return CreateSelect();
            }
        }

        return OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD() ? CreateKqueue() : CreateSelect();
    }

    private static KqueuePoller CreateKqueue() => OperatingSystem.IsWindows()
        ? throw new PollerUnavailableError($"{Variable}: kqueue runs on macOS and FreeBSD only")
        : new KqueuePoller(KqueueLibrary.Load());

    private static Poller CreateSelect() => OperatingSystem.IsWindows() ? new WinsockSelectPoller() : new SelectPoller();
}

/// <summary>The backend that the user asked for does not exist or can't run here. Its message is one line for the user.</summary>
/// <param name="message">A message that names the backend and the reason.</param>
public sealed class PollerUnavailableError(string message) : InvalidOperationException(message);
