using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// What a small poem costs in system calls, counted by strace. Nearly all the time of a server is the kernel's, so that a
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
        RequireStrace();
        string trace = Folder["trace"];
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Own(NativeBinary.Start(new Launch("serve", "--log-level", "error", "poem.txt")
        {
            Folder = Folder.Path,
            Through = [Tracer, "-f", "-qq", "-o", trace],
        }));
        int port = server.Port();
        for (int i = 0; i < Clients; i++)
        {
            Wire.Fetch(port).AssertIs(Poem);
        }

        Posix.Kill(ChildOf(server.ProcessId), Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);

        Dictionary<string, int> calls = Count(File.ReadAllLines(trace));
        string all = string.Join(", ", calls.OrderByDescending(call => call.Value).Select(call => $"{call.Key} {call.Value}"));
        AssertBetween(calls, all, Clients, Clients, "sendto", "sendmsg", "sendfile", "write");
        AssertBetween(calls, all, Clients, Clients, "shutdown");

        // The last clients are looked at and closed a few milliseconds later, which is after the signal.
        AssertBetween(calls, all, Clients / 2, Clients + 5, "close");

        // An accept that finds nobody ends a batch; one more for every two connections is what a batch of one costs.
        AssertBetween(calls, all, Clients, Clients * 2, "accept4", "accept");

        // A client that has not closed at the first look is watched, and read once more.
        AssertBetween(calls, all, 0, Clients * 2, "epoll_ctl");
        AssertBetween(calls, all, Clients / 2, Clients * 2, "recvfrom", "read");
        string[] expected =
        [
            "accept4", "accept", "sendto", "sendmsg", "sendfile", "write", "shutdown", "close", "recvfrom", "read", "epoll_ctl",
            "epoll_wait", "epoll_pwait", "epoll_pwait2", "futex", "restart_syscall",
        ];
        int others = calls.Where(call => !expected.Contains(call.Key)).Sum(call => call.Value);
        Assert.IsLessThan(Clients / 4, others, $"calls that nobody expects: {all}");
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

    private static void AssertBetween(Dictionary<string, int> calls, string all, int least, int most, params string[] names)
    {
        int count = names.Sum(name => calls.GetValueOrDefault(name));
        Assert.IsTrue(count >= least && count <= most, $"{names[0]}: {count} is not from {least} to {most}: {all}");
    }
}
