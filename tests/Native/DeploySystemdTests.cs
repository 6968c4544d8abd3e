using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The units of systemd: systemd understands them, and their commands start servers.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class DeploySystemdTests : DeployTests
{
    private const string Binary = "/usr/local/bin/poetry";

    private static readonly string Service = Path.Combine(Repository.Root, "poetry.service");

    private static readonly string Socket = Path.Combine(Repository.Root, "poetry.socket");

    /// <summary>With the executable that was built, for the units' own is not installed here.</summary>
    [TestMethod]
    public void UnitFiles_AreUnderstood()
    {
        string analyze = Posix.Tool("systemd-analyze");
        Write("poetry.service", Service);
        Write("poetry.socket", Socket);
        Write("poetry@one.service", Recipe("poetry@.service"));
        string[] units = ["poetry.service", "poetry.socket", "poetry@one.service"];
        Finished finished = ToolRun.Run(Folder.Path, [analyze, "verify", "--man=no", .. units.Select(unit => Folder[unit])]);
        if (finished.Errors.Contains("Failed to", StringComparison.Ordinal) && !finished.Errors.Contains("poetry", StringComparison.Ordinal))
        {
            Assert.Inconclusive($"systemd-analyze does not work here: {finished.Errors}");
        }

        Assert.IsEmpty(finished.ErrorLines.Where(line => line.Contains("poetry", StringComparison.Ordinal)), finished.Errors);
    }

    /// <summary>An instance has the sandbox of the single server: every line after Type=, except its command and its files.</summary>
    [TestMethod]
    public void InstanceUnit_HasTheSettingsOfTheService()
    {
        string[] own = ["Description", "Documentation", "EnvironmentFile", "ExecStart"];
        CollectionAssert.AreEqual(Settings(Service, own), Settings(Recipe("poetry@.service"), own));
    }

    [TestMethod]
    public void ServiceUnit_ServesItsPoem()
    {
        string poem = Path.Combine(Repository.Root, "poetry", "ecstasy.txt");
        string[] command = [.. Command(Service).Select(word => word.Replace("/usr/local/share", Repository.Root, StringComparison.Ordinal))];
        NativeBinary server = ServeInside(command);
        Assert.AreEqual(10001, server.Port());
        CollectionAssert.AreEqual(File.ReadAllBytes(poem), Get("10001").Bytes);
    }

    /// <summary>The files of an instance that the head of the unit describes, in another folder.</summary>
    [TestMethod]
    public void InstanceUnit_ServesItsList()
    {
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write("one.poems", "10001=poem.txt\n");
        string example = File.ReadLines(Recipe("poetry@.service")).Single(line => line.Contains("POETRY_OPTIONS=", StringComparison.Ordinal));
        string[] options = example[(example.IndexOf('=', StringComparison.Ordinal) + 1)..].Split(' ');
        string[] command = [.. Command(Recipe("poetry@.service")).SelectMany(word => word == "$POETRY_OPTIONS" ? options : [word])
            .Select(word => word.Replace("%i", "one", StringComparison.Ordinal).Replace("/etc/poetry", Folder.Path, StringComparison.Ordinal))];
        NativeBinary server = ServeInside(command);
        Assert.AreEqual(10001, server.Port());
        string script = @"exec 3<>/dev/tcp/127.0.0.1/10001; printf 'PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n' >&3; cat <&3";
        CollectionAssert.AreEqual(Poem, RunTool("bash", "-c", script).Bytes);
        server.Errors.WaitForText("192.0.2.1:5000");
        _ = Folder.Write("one.poems", "10001=poem.txt\n10002=poem.txt\n");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("listener opened: ");
    }

    /// <summary>The socket stands for the address that the service would bind by itself.</summary>
    [TestMethod]
    public void SocketUnit_HasTheAddressOfTheService()
    {
        string[] command = Command(Service);
        string address = File.ReadLines(Socket).Single(line => line.StartsWith("ListenStream=", StringComparison.Ordinal));
        Assert.AreEqual($"ListenStream=127.0.0.1:{command[^1].Split('=')[0]}", address);
        Assert.DoesNotContain("--iface", command);
    }

    /// <summary>The words of ExecStart, without the program.</summary>
    private static string[] Command(string unit)
    {
        const string Key = $"ExecStart={Binary} ";
        string line = File.ReadLines(unit).Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        Assert.StartsWith(Key, line);
        return line[Key.Length..].Split(' ');
    }

    private static List<string> Settings(string unit, string[] without) =>
        [.. File.ReadLines(unit).Where(line => line.Contains('=', StringComparison.Ordinal) && line[0] != '#'
            && !without.Contains(line.Split('=')[0]))];

    private void Write(string name, string unit) =>
        Folder.Write(name, File.ReadAllText(unit).Replace(Binary, NativeBinary.Path, StringComparison.Ordinal));
}
