using System.Runtime.InteropServices;
using System.Text;
using Poetry.Commands;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The command line of the executable: texts on standard output, warnings and refusals on standard error.</summary>
[TestClass]
public sealed class CommandLineTests : NativeTests
{
    [TestMethod]
    [DataRow($"poetry {BuildFacts.Version} (commit ", "--version")]
    [DataRow("{\"name\":\"poetry\",", "--version", "--json")]
    [DataRow("Usage: poetry serve ", "help", "serve")]
    [DataRow(".TH POETRY\\-GET 1 ", "help", "--man", "get")]
    [DataRow("THIRD-PARTY NOTICES\n", "help", "licenses")]
    [DataRow("# bash completion for poetry\n", "completion", "bash")]
    public void AText_IsPrinted(string start, params string[] arguments)
    {
        Finished finished = Run(arguments);
        Assert.AreEqual(0, finished.ExitCode);
        Assert.AreEqual(string.Empty, finished.Errors);
        Assert.StartsWith(start, Encoding.UTF8.GetString(finished.Bytes));
    }

    /// <summary>
    /// What adds 100 KB is often one call: StreamReader brings all encodings, and each new combination of types in a log message
    /// brings a formatter. The map of the linker tells: dotnet publish with -p:IlcGenerateMapFile=true.
    /// </summary>
    [TestMethod]
    public void TheExecutable_IsSmall()
    {
        if (RuntimeInformation.RuntimeIdentifier != "linux-x64")
        {
            Assert.Inconclusive("the limit is for linux-x64");
        }

        Assert.IsLessThanOrEqualTo(3_000_000, new FileInfo(NativeBinary.Path).Length);
    }

    [TestMethod]
    public void TwoProxiesWithoutAPort_RunWithAWarning()
    {
        NativeBinary proxy = Start(new Launch("proxy", "10000", "10001"));
        _ = proxy.Output.WaitForLines(2);
        _ = proxy.Errors.WaitForLines(1);
        Assert.StartsWith("poetry proxy: warning: these are 2 proxies on random ports", proxy.Errors.Text);
    }

    [TestMethod]
    [DataRow("poetry: unknown command 'fetch' (did you mean 'get'?)\n", "fetch", "10001")]
    [DataRow("poetry get: --output a: several poems need a directory\n", "get", "--output", "a", "1", "2")]
    [DataRow("poetry slow-serve: no such file: nosuch.txt\n", "slow-serve", "nosuch.txt")]
    public void AMistake_IsOneLineAndExitCode2(string line, params string[] arguments)
    {
        Finished finished = Run(arguments);
        Assert.AreEqual(2, finished.ExitCode);
        Assert.AreEqual(line, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
    }
}
