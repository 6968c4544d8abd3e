using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// What a small poem or request costs in system calls, counted by strace. Nearly all the time of a server is the kernel's, so that a
/// call more for each connection is what would make it slower. Counts, no times.
/// </summary>
[TestClass]
public sealed class SystemCallTests : NativeTests
{
    private const int Clients = 200;
    private const string Tracer = "/usr/bin/strace";

    [TestMethod]
    public void Serve_ASmallPoem_CostsNoCallTooMany()
    {
        _ = Folder.Write("poem.txt", Poem);
        Dictionary<string, int> calls = Trace(port => Wire.Fetch(port).AssertIs(Poem), Clients, "serve", "poem.txt");
        AssertEachOnce(calls);
        AssertBetween(calls, Clients / 2, Clients * 2, "recvfrom", "read");
    }

    /// <summary>The question has mostly come when its connection is accepted: it is read then, without the poller.</summary>
    [TestMethod]
    public void Transform_ASmallRequest_CostsNoCallTooMany()
    {
        byte[] request = Encoding.ASCII.GetBytes("20:cummingsify.A SONNET,");
        byte[] reply = Encoding.ASCII.GetBytes("8:a sonnet,");
        Dictionary<string, int> calls = Trace(port => Ask(port, request).AssertIs(reply), Clients, "transform");
        AssertEachOnce(calls);

        // The request, and the client's end; one more for each that was read too early.
        AssertBetween(calls, Clients * 3 / 2, Clients * 3, "recvfrom", "read");
    }

    /// <summary>The kernel passes the poem on: the program reads its beginning, and then moves a megabyte with two calls.</summary>
    [TestMethod]
    [DataRow("--max-poem", "16KiB")]
    [DataRow("--ttl", "0")]
    public void Proxy_ALongPoemToOneClient_IsSpliced(string option, string value)
    {
        byte[] poem = new byte[32 * 1024 * 1024];
        new Random(1).NextBytes(poem);
        NativeBinary upstream = ServePoem(poem);
        Dictionary<string, int> calls = Trace(
            port => Wire.Fetch(port).AssertIs(poem), 1, "proxy", option, value, $"{upstream.Port()}");
        AssertBetween(calls, 2, int.MaxValue, "splice");
        AssertBetween(calls, 0, 16, "sendto", "sendmsg");
    }

    /// <summary>Sends a question with the connection, so that it is there when the server looks.</summary>
    private static Delivery Ask(int port, byte[] request)
    {
        using Socket client = Wire.Connect(port);
        _ = client.Send(request);
        return Wire.ReadToEnd(client);
    }

    /// <summary>What both servers have in common: one call of each expected kind for a client, and almost no other calls.</summary>
    private static void AssertEachOnce(Dictionary<string, int> calls)
    {
        AssertBetween(calls, Clients, Clients, "sendto", "sendmsg", "sendfile", "write");
        AssertBetween(calls, Clients, Clients, "shutdown");

        // The last clients are looked at and closed a few milliseconds later, which is after the signal.
        AssertBetween(calls, Clients / 2, Clients + 5, "close");

        // A batch ends with an accept that finds the queue empty: batches of one cost one more accept for every two connections.
        AssertBetween(calls, Clients, Clients * 2, "accept4", "accept");

        // A client that is slower than a look is watched, and closing it ends that.
        AssertBetween(calls, 0, Clients, "epoll_ctl");
        string[] expected =
        [
            "accept4", "accept", "sendto", "sendmsg", "sendfile", "write", "shutdown", "close", "recvfrom", "read", "epoll_ctl",
            "epoll_wait", "epoll_pwait", "epoll_pwait2", "nanosleep", "clock_nanosleep", "futex", "restart_syscall", "getsockopt",
        ];
        int others = calls.Where(call => !expected.Contains(call.Key)).Sum(call => call.Value);
        Assert.IsLessThan(Clients / 10, others, $"unexpected calls: {Text(calls)}");
    }

    /// <summary>Counts the calls of a server between the first client and the signal.</summary>
    private Dictionary<string, int> Trace(Action<int> client, int clients, params string[] words)
    {
        RequireStrace();
        string trace = Folder["trace"];
        NativeBinary server = Own(NativeBinary.Start(new Launch([.. words, "--log-level", "error", "--port", "0"])
        {
            Folder = Folder.Path,
            Through = [Tracer, "-f", "-qq", "-o", trace],
        }));
        int port = server.Port();
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < clients; i++)
        {
            client(port);
        }

        double seconds = watch.Elapsed.TotalSeconds;
        Posix.Kill(ChildOf(server.ProcessId), Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Dictionary<string, int> calls = Count(File.ReadAllLines(trace));

        // Clients that have closed are asked for an error: 20 at once, and 20 a second, until the signal has come.
        AssertBetween(calls, 0, 22 + (int)(20 * seconds), "getsockopt");
        return calls;
    }

    private static void RequireStrace()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Tracer))
        {
            Assert.Inconclusive("strace is not here");
        }

        using Process probe = Process.Start(new ProcessStartInfo(Tracer, ["-qq", "-o", "/dev/null", "/bin/true"])
        {
            RedirectStandardError = true,
        })!;
        string said = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        if (probe.ExitCode != 0)
        {
            Assert.Inconclusive($"strace can't trace here: {said}");
        }
    }

    /// <summary>The program itself: what we have started is strace.</summary>
    private static int ChildOf(int processId) =>
        int.Parse(File.ReadAllText($"/proc/{processId}/task/{processId}/children").Split(' ')[0], null);

    /// <summary>
    /// Calls by name, from the first connection to the signal. A line is a thread's number, the call and what came of it; a
    /// call that is taken up again has been counted already.
    /// </summary>
    private static Dictionary<string, int> Count(string[] lines)
    {
        var calls = new Dictionary<string, int>();
        bool hasBegun = false;
        foreach (string line in lines)
        {
            string text = line.TrimStart('0', '1', '2', '3', '4', '5', '6', '7', '8', '9').TrimStart();
            int end = text.IndexOf('(', StringComparison.Ordinal);
            if (text.StartsWith("--- SIGTERM", StringComparison.Ordinal))
            {
                break;
            }

            hasBegun |= text.StartsWith("accept", StringComparison.Ordinal);
            if (hasBegun && end > 0 && char.IsLetter(text[0]))
            {
                string name = text[..end];
                calls[name] = calls.GetValueOrDefault(name) + 1;
            }
        }

        return calls;
    }

    private static void AssertBetween(Dictionary<string, int> calls, int least, int most, params string[] names)
    {
        int count = names.Sum(name => calls.GetValueOrDefault(name));
        Assert.IsTrue(count >= least && count <= most, $"{names[0]}: {count} is not from {least} to {most}: {Text(calls)}");
    }

    private static string Text(Dictionary<string, int> calls) =>
        string.Join(", ", calls.OrderByDescending(call => call.Value).Select(call => $"{call.Key} {call.Value}"));
}
