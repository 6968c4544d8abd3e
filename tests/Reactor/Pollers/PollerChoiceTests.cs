using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
[DoNotParallelize]
public sealed class PollerChoiceTests
{
    [TestMethod]
    public void Create_Unforced_IsTheBestOfTheSystem()
    {
        string best = OperatingSystem.IsLinux() ? "epoll" : OperatingSystem.IsWindows() ? "select" : "kqueue";
        Assert.AreEqual(best, NameOfChosen(null));
        Assert.AreEqual(best, NameOfChosen(string.Empty));
    }

    [TestMethod]
    public void Create_Forced_IsTheOneAskedFor() => Assert.AreEqual("select", NameOfChosen("select"));

    [TestMethod]
    public void Create_UnknownName_NamesTheOnesThereAre()
    {
        PollerUnavailableError error = Assert.ThrowsExactly<PollerUnavailableError>(static () => NameOfChosen("EPOLL"));
        Assert.AreEqual("POETRY_REACTOR: unknown backend 'EPOLL'; the backends are epoll, kqueue and select", error.Message);
    }

    [TestMethod]
    public void Create_KqueueFromALibraryThatIsNotThere_SaysWhich()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("elsewhere the system has kqueue, or never has");
        }

        using var library = new Setting("POETRY_KQUEUE_LIBRARY", "/nonexistent/libkqueue.so.0");
        PollerUnavailableError error = Assert.ThrowsExactly<PollerUnavailableError>(static () => PollerChoice.Create("kqueue"));
        Assert.Contains("'/nonexistent/libkqueue.so.0', which can't be loaded", error.Message);
    }

    [TestMethod]
    public void Create_KqueueFromALibraryWithoutIt_SaysSo()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("elsewhere the system has kqueue, or never has");
        }

        using var library = new Setting("POETRY_KQUEUE_LIBRARY", "libm.so.6");
        PollerUnavailableError error = Assert.ThrowsExactly<PollerUnavailableError>(static () => PollerChoice.Create("kqueue"));
        Assert.Contains("no kqueue or no kevent", error.Message);
    }

    private static string NameOfChosen(string? forced)
    {
        using var setting = new Setting(PollerChoice.Variable, forced);
        using Poller poller = PollerChoice.Create();
        return poller.Name;
    }

    /// <summary>A variable of the environment, put back afterwards.</summary>
    private sealed class Setting : IDisposable
    {
        private readonly string _name;
        private readonly string? _before;

        public Setting(string name, string? value)
        {
            _name = name;
            _before = Environment.GetEnvironmentVariable(name);
            Environment.SetEnvironmentVariable(name, value);
        }

        public void Dispose() => Environment.SetEnvironmentVariable(_name, _before);
    }
}
