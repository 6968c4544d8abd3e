using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>systemd's environment variables, set by the test and restored afterwards.</summary>
[TestClass]
[DoNotParallelize]
public sealed class SystemdVariablesTests
{
    [TestMethod]
    [DataRow("/run/notify", "2000", 2.0)]
    [DataRow("/run/notify", "1", 0.001)]
    [DataRow(null, "2000", null, DisplayName = "no socket")]
    [DataRow("", "2000", null, DisplayName = "an empty name")]
    [DataRow("/run/notify", "0", null)]
    public void WatchdogInterval_NeedsASocketToNotify(string? socket, string microseconds, double? expectedMs)
    {
        string? before = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        try
        {
            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", socket);
            Environment.SetEnvironmentVariable("WATCHDOG_USEC", microseconds);
            Assert.AreEqual(expectedMs, Systemd.WatchdogInterval()?.TotalMilliseconds);
        }
        finally
        {
            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", before);
            Environment.SetEnvironmentVariable("WATCHDOG_USEC", null);
        }
    }
}
