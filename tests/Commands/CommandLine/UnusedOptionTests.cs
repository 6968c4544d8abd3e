using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>An option that another one leaves without any meaning is told, not dropped.</summary>
[TestClass]
public sealed class UnusedOptionTests
{
    [TestMethod]
    [DataRow("serve", "--port", "--port 5 6=a")]
    [DataRow("serve", "--port", "--port 0 6=a unix:s=b")]
    [DataRow("serve", "--iface", "--iface ::1 127.0.0.1:6=a unix:s=b")]
    [DataRow("slow-serve", "--port", "--port 5 6=a 7=b")]
    [DataRow("slow-serve", "--iface", "--iface ::1 localhost:6=a")]
    [DataRow("transform", "--port", "--port 5 --listen 6")]
    [DataRow("transform", "--port", "--port 5 --listen unix:s --text-port 7")]
    [DataRow("transform", "--iface", "--iface ::1 --listen localhost:6")]
    [DataRow("proxy", "--port", "--port 5 6=7")]
    [DataRow("proxy", "--port", "--port 5 --listen unix:s 7")]
    [DataRow("proxy", "--iface", "--iface ::1 --listen unix:s 7")]
    [DataRow("proxy", "--iface", "--iface ::1 localhost:6=7")]
    [DataRow("proxy", "--listen", "--listen unix:s 6=7 8=9")]
    public void ItIsWrongUsage(string command, string option, string line)
    {
        Invocation invocation = CommandLine.Parse([command, .. line.Split(' ')]);
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        Assert.AreEqual($"poetry {command}: {option} has no effect: there is another address to listen on\n", invocation.Text);
    }

    [TestMethod]
    [DataRow("get -o f --raw 1", "poetry get: --raw has no effect: what goes to a file is never escaped")]
    [DataRow("get --race --wait 1 2", "poetry get: --wait has no effect: with --race only one poem is printed")]
    [DataRow("get --race --all-or-nothing 1", "poetry get: --race wants one poem, --all-or-nothing all of them: use one of the two")]
    [DataRow("transform --list --port 5", "poetry transform: --port has no effect: --list only prints names")]
    [DataRow("transform --log-level info --list", "poetry transform: --log-level has no effect: --list only prints names")]
    [DataRow("transform --list --upstream 5", "poetry transform: --upstream has no effect: --list only prints names")]
    [DataRow("proxy --ttl 0 --stale-if-error 1d 7", "poetry proxy: --stale-if-error has no effect: with --ttl 0 no poem is kept")]
    [DataRow(
        "proxy --ttl forever --stale-if-error 1 7", "poetry proxy: --stale-if-error has no effect: with --ttl forever no poem grows stale")]
    public void ItIsWrongUsageBesideAnother(string line, string problem)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '));
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        Assert.AreEqual($"{problem}\n", invocation.Text);
    }

    /// <summary>As long as one listener needs it, it is no mistake; nor is what only says the default.</summary>
    [TestMethod]
    [DataRow("serve --port 5 6=a b")]
    [DataRow("serve --iface ::1 6=a")]
    [DataRow("serve --iface ::1 localhost:6=a 7=b")]
    [DataRow("transform --iface ::1 --listen 6")]
    [DataRow("transform --iface ::1 --listen unix:s --text-port 7")]
    [DataRow("proxy --port 5 6=7 8")]
    [DataRow("proxy --iface ::1 --listen 5 7")]
    [DataRow("proxy --listen unix:s 6=7 8")]
    [DataRow("proxy --ttl 0 --stale-if-error 0 --max-poem 1k 7")]
    [DataRow("proxy --ttl 0 --max-cache 1k 7")]
    [DataRow("proxy --ttl forever --stale-if-error 0 --max-cache 1k 7")]
    [DataRow("get --raw -o - 1")]
    [DataRow("get --wait -o f 1")]
    [DataRow("get --race -o f 1 2")]
    [DataRow("get --all-or-nothing --wait 1")]
    public void ItIsOfUse(string line)
    {
        Invocation invocation = CommandLine.Parse(line.Split(' '));
        Assert.IsNotNull(invocation.Run, invocation.Text);
    }
}
