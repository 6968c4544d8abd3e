using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Names of files that are not UTF-8: refused with one line, since the runtime can't pass them on.</summary>
[TestClass]
public sealed class OldNameTests : NativeTests
{
    /// <summary>The shell makes the name <c>caf\xE9.txt</c> of Latin-1, since no string of this runtime can hold it.</summary>
    private const string Name = "name=$(printf 'caf\\351.txt'); ";

    [TestInitialize]
    public void NeedLinux()
    {
        if (!System.OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("elsewhere names are UTF-8, or UTF-16");
        }
    }

    [TestMethod]
    public void Serve_AFileOfSuchAName_SaysWhatIsWrong() =>
        AssertFailed(Run(new Launch("serve") { Before = Name + "set -- \"$@\" \"$name\";" }), 2, "poetry serve: 'caf", "' is not valid UTF-8");

    [TestMethod]
    public void Get_IntoAFileOfSuchAName_SaysWhatIsWrong()
    {
        int port = ServePoem(Poem).Port();
        Finished finished = Run(new Launch("get", $"{port}") { Before = Name + "set -- \"$@\" --output \"$name\";" });
        AssertFailed(finished, 2, "poetry get: 'caf", "' is not valid UTF-8");
    }
}
