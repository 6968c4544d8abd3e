using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Tests.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// The backends on which a test of the engine runs: all there are. One that can't run on this machine is reported as
/// inconclusive; kqueue runs on Linux over an emulation of its two functions.
/// </summary>
internal static class Backends
{
    private const string Emulated = "kqueue (emulated)";

    /// <summary>For <c>DynamicData</c>.</summary>
    public static IEnumerable<object[]> All => [["epoll"], ["kqueue"], [Emulated], ["select"]];

    /// <summary>Those that tell of a hang-up whatever is watched for.</summary>
    public static bool TellsOfHangUps(string name) => name == "epoll";

    /// <summary>Makes a reactor, or ends the test as inconclusive.</summary>
    public static Reactor OpenReactor(string name, ILogger log) => new(Open(name), log);

    /// <summary>Makes a poller, or ends the test as inconclusive.</summary>
    public static Poller Open(string name)
    {
        try
        {
            return name != Emulated ? PollerChoice.Create(name)
                : OperatingSystem.IsLinux() ? EmulatedKqueue.Open()
                : throw new PollerUnavailableError("kqueue is emulated on Linux only");
        }
        catch (PollerUnavailableError why)
        {
            Assert.Inconclusive(why.Message);
            throw;
        }
    }
}
