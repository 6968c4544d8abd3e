using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Tests.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// The backends on which a test of the engine runs: all that can run here. kqueue itself runs where the system has it, or
/// where POETRY_KQUEUE_LIBRARY names a library that has it; on Linux it also runs over an emulation of its two functions.
/// </summary>
internal static class Backends
{
    public const string Emulated = "kqueue (emulated)";

    /// <summary>The backends that the kernel has, for <c>DynamicData</c>.</summary>
    public static IEnumerable<object[]> Real
    {
        get
        {
            if (OperatingSystem.IsLinux())
            {
                yield return ["epoll"];
            }

            if (OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD()
                || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("POETRY_KQUEUE_LIBRARY")))
            {
                yield return ["kqueue"];
            }

            yield return ["select"];
        }
    }

    /// <summary>The real ones and the emulated one, for <c>DynamicData</c>.</summary>
    public static IEnumerable<object[]> All => OperatingSystem.IsLinux() ? [.. Real, [Emulated]] : Real;

    /// <summary>The backends that report a hang-up under any interest.</summary>
    public static bool TellsOfHangUps(string name) => name == "epoll";

    public static Reactor OpenReactor(string name, ILogger log) => new(Open(name), log);

    public static Poller Open(string name) =>
        name == Emulated && OperatingSystem.IsLinux() ? EmulatedKqueue.Open() : PollerChoice.Create(name);
}
