using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The recipes for HAProxy and nginx, used as they stand.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
[OSCondition(OperatingSystems.Linux)]
public sealed partial class DeployBalancerTests : DeployTests
{
    private const string Front = "10000";

    [TestMethod]
    public void HAProxy_ChecksReadiness_AndNamesTheClient()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary one = StartServer("one");
        NativeBinary two = StartServer("two");
        StartHAProxy();
        for (int i = 0; i < 4; i++)
        {
            CollectionAssert.AreEqual(Poem, Get(Front, "--retry", "5").Bytes);
        }

        foreach (NativeBinary server in new[] { one, two })
        {
            server.Errors.WaitForText("served 600 of 600");
            Assert.DoesNotContain("warn", server.Errors.Text);
        }

        // The peer is a client of HAProxy's, and not HAProxy.
        Assert.MatchesRegex(Served(), one.Errors.Text);

        // A server with a client in flight drains: the check finds it before it has ended.
        one.Kill();
        WaitForStatus("one", "DOWN");
        for (int i = 0; i < 4; i++)
        {
            Finished got = Get(Front);
            Assert.AreEqual(0, got.ExitCode, got.Errors);
            CollectionAssert.AreEqual(Poem, got.Bytes);
        }
    }

    /// <summary>
    /// Aim: a restart of both servers is not noticed by any client. Method: four loops of clients compare every poem while the
    /// recipe's script restarts the servers; the test takes the place of systemctl.
    /// </summary>
    [TestMethod]
    public void RollingRestart_UnderLoad_CutsNoPoem()
    {
        byte[] poem = MakePoem(100_000);
        _ = Folder.Write("poem.txt", poem);
        _ = Folder.Write("four.txt", [.. poem, .. poem, .. poem, .. poem]);
        NativeBinary one = StartServer("one");
        NativeBinary two = StartServer("two");
        StartHAProxy();
        WaitForStatus("one", "UP");
        Posix.MakeFifo(Folder["asked"]);
        Posix.MakeFifo(Folder["done"]);
        _ = Folder.Write("restart", "#!/bin/sh\necho \"$1\" >asked && read -r _ <done\n");
        _ = RunTool("chmod", "+x", "restart");

        const string Loop = """
            n=0
            until [ -e stop ]; do
                "$0" get --quiet 10000 10000 10000 10000 >"$1" && cmp "$1" four.txt || echo bad
                n=$((n + 4)); [ $n -ne 8 ] || echo under way
            done
            echo "$n poems"
            """;
        Process[] loads = [.. Enumerable.Range(0, 4).Select(i => StartTool("bash", "-c", Loop, NativeBinary.Path, $"got{i}"))];
        foreach (Process load in loads)
        {
            Assert.AreEqual("under way", load.StandardOutput.ReadLine());
        }

        Process script = StartTool(
            "env", $"HAPROXY_SOCKET={Folder["admin.sock"]}", "POETRY_RESTART=./restart", Recipe("rolling-restart.sh"), "one", "two");
        NativeBinary newOne = RestartWhenAsked("one", one);
        NativeBinary newTwo = RestartWhenAsked("two", two);
        Assert.IsTrue(script.WaitForExit(Patience.Milliseconds), "the script did not end");
        Assert.AreEqual(0, script.ExitCode, script.StandardError.ReadToEnd());
        newOne.Errors.WaitForText("served 100000 of 100000");
        newTwo.Errors.WaitForText("served 100000 of 100000");

        _ = Folder.Write("stop", []);
        foreach (Process load in loads)
        {
            string said = load.StandardOutput.ReadToEnd() + load.StandardError.ReadToEnd();
            Assert.MatchesRegex(OnlyACount(), said);
        }
    }

    [TestMethod]
    public void Nginx_NamesTheClient_AndLeavesOutAServerThatIsDown()
    {
        string nginx = Posix.Tool("nginx");
        if (!File.Exists("/etc/nginx/modules-enabled/50-mod-stream.conf"))
        {
            Assert.Inconclusive("nginx has no stream module (Debian: libnginx-mod-stream)");
        }

        _ = Folder.Write("poem.txt", Poem);
        NativeBinary one = StartServer("one");
        NativeBinary two = StartServer("two");
        string settings = $"daemon off; master_process off; pid {Folder["nginx.pid"]};";
        _ = StartTool(nginx, "-c", Recipe("nginx.conf"), "-e", Folder["nginx.log"], "-g", settings);
        for (int i = 0; i < 4; i++)
        {
            CollectionAssert.AreEqual(Poem, Get(Front, "--retry", "5").Bytes);
        }

        one.Errors.WaitForText("served 600 of 600");
        two.Errors.WaitForText("served 600 of 600");
        Assert.MatchesRegex(Served(), one.Errors.Text);
        Assert.DoesNotContain("warn", one.Errors.Text + two.Errors.Text);
        one.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, one.WaitForExit().ExitCode);
        for (int i = 0; i < 4; i++)
        {
            CollectionAssert.AreEqual(Poem, Get(Front).Bytes);
        }
    }

    /// <summary>A server of the recipes.</summary>
    private NativeBinary StartServer(string name)
    {
        (string port, string metrics) = name == "one" ? ("10001", "9101") : ("10002", "9102");
        return ServeInside("serve", "--proxy-protocol", "--metrics", metrics, $"{port}=poem.txt");
    }

    /// <summary>Does what systemctl restart does, when the recipe's script asks for it.</summary>
    private NativeBinary RestartWhenAsked(string name, NativeBinary server)
    {
        Assert.AreEqual($"{name}\n", File.ReadAllText(Folder["asked"]));
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        NativeBinary restarted = StartServer(name);
        File.WriteAllText(Folder["done"], "\n");
        return restarted;
    }

    /// <summary>HAProxy with the recipe, and the part of Debian's global section that it needs.</summary>
    private void StartHAProxy()
    {
        string haproxy = Posix.Tool("haproxy");
        _ = Posix.Tool("socat");
        _ = Folder.Write("global.cfg", $"global\n  stats socket {Folder["admin.sock"]} mode 660 level admin\n");
        _ = StartTool(haproxy, "-db", "-f", Folder["global.cfg"], "-f", Recipe("haproxy.cfg"));
    }

    /// <summary>What HAProxy's statistics say of a server.</summary>
    private void WaitForStatus(string server, string status)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        string line = "";
        while (!line.Contains($",{status},", StringComparison.Ordinal))
        {
            Assert.IsLessThan(deadline, Environment.TickCount64, $"{server} is not {status}: {line}");
            Finished said = RunTool("sh", "-c", $"echo 'show stat' | socat - UNIX-CONNECT:{Folder["admin.sock"]}");
            string[] lines = System.Text.Encoding.ASCII.GetString(said.Bytes).Split('\n');
            line = Array.Find(lines, text => text.StartsWith($"poems,{server},", StringComparison.Ordinal)) ?? said.Errors;
        }
    }

    [GeneratedRegex("""served 600 of 600 bytes of poem\.txt to 127\.0\.0\.1:\d+ """)]
    private static partial Regex Served();

    [GeneratedRegex("""^\d+ poems\n$""")]
    private static partial Regex OnlyACount();
}
