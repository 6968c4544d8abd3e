using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Poetry.Tests.Testing;

/// <summary>
/// What of this process is open at one moment: descriptors, threads, children. Two of them tell what a test has left behind.
/// Empty where there is no /proc.
/// </summary>
internal sealed class Leftovers
{
    /// <summary>Sets another time for things to go away, in milliseconds.</summary>
    public const string PatienceVariable = "POETRY_LEFTOVER_PATIENCE_MS";

    /// <summary>How long a thread or a socket has to go away: its owner has told it to, and may not have waited for it.</summary>
    private static readonly int PatienceMs =
        int.TryParse(Environment.GetEnvironmentVariable(PatienceVariable), CultureInfo.InvariantCulture, out int given) ? given : 5000;

    /// <summary>By what identifies each; the value says what it is.</summary>
    private readonly Dictionary<string, string> _open;

    private Leftovers(Dictionary<string, string> open)
    {
        _open = open;
    }

    public static Leftovers None { get; } = new([]);

    /// <summary>Has the runtime open what it opens once and keeps: its socket engine, its process watcher.</summary>
    public static void WarmUp()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.ConnectAsync(listener.LocalEndPoint!).Wait();
        if (File.Exists("/bin/true"))
        {
            using var process = Process.Start("/bin/true");
            process.WaitForExit();
        }
    }

    public static Leftovers Now()
    {
        var open = new Dictionary<string, string>();
        if (Directory.Exists("/proc/self/fd"))
        {
            AddDescriptors(open);
            AddThreads(open);
        }

        return new Leftovers(open);
    }

    /// <summary>Waits a moment for things to go away.</summary>
    /// <returns>What is open then.</returns>
    public static Leftovers WaitForNoneSince(Leftovers before)
    {
        Leftovers now = Now();
        if (now.Since(before).Length > 0)
        {
            _ = SpinWait.SpinUntil(() => (now = Now()).Since(before).Length == 0, PatienceMs);
        }

        return now;
    }

    /// <summary>What is open and was not before.</summary>
    public string[] Since(Leftovers before) =>
        [.. _open.Where(entry => !before._open.ContainsKey(entry.Key)).Select(entry => entry.Value).Order()];

    private static void AddDescriptors(Dictionary<string, string> open)
    {
        Dictionary<string, string>? listeners = null;
        foreach (string path in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (ReadLink(path) is not { } target || IsOfTheRuntime(target))
            {
                continue;
            }

            string number = Path.GetFileName(path);
            string what = $"descriptor {number}: {target}";
            if (target.StartsWith("socket:[", StringComparison.Ordinal))
            {
                listeners ??= Listeners();
                what = listeners.TryGetValue(target["socket:[".Length..^1], out string? port) ? $"{what}, {port}" : what;
            }

            open[$"{number} {target}"] = what;
        }
    }

    /// <summary>
    /// Assemblies and libraries are loaded when they are first needed, the platform's report is begun with the first result,
    /// and device files hold nothing.
    /// </summary>
    private static bool IsOfTheRuntime(string target) =>
        Path.GetExtension(target) is ".dll" or ".pdb" or ".so"
        || Path.GetFileName(target).StartsWith("trx-stream-", StringComparison.Ordinal)
        || target.StartsWith("/dev/", StringComparison.Ordinal) || target.StartsWith("/proc/", StringComparison.Ordinal)
        || target.StartsWith("/sys/", StringComparison.Ordinal);

    private static string? ReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            // Closed between the listing and now, as that of the listing itself.
            return null;
        }
    }

    /// <summary>The listening sockets of TCP by their inodes, from proc(5).</summary>
    private static Dictionary<string, string> Listeners()
    {
        const string Listening = "0A";
        var ports = new Dictionary<string, string>();
        foreach (string table in new[] { "/proc/self/net/tcp", "/proc/self/net/tcp6" })
        {
            foreach (string line in File.Exists(table) ? File.ReadLines(table).Skip(1) : [])
            {
                if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var local, _, Listening, _, _, _, _, _, var inode, ..])
                {
                    int port = int.Parse(local.AsSpan(local.LastIndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                    ports[inode] = $"which listens on port {port}";
                }
            }
        }

        return ports;
    }

    /// <summary>Threads that the runtime and the test platform name come and go as they like.</summary>
    private static void AddThreads(Dictionary<string, string> open)
    {
        foreach (string path in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                string name = File.ReadAllText($"{path}/comm").TrimEnd();
                string children = $"{path}/children";
                if (!name.StartsWith(".NET", StringComparison.Ordinal) && !name.StartsWith("TRX", StringComparison.Ordinal))
                {
                    string id = Path.GetFileName(path);
                    open[$"thread {id}"] = $"thread {id}: {name}";
                }

                string[] ids = File.Exists(children) ? File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
                foreach (string child in ids)
                {
                    open[$"process {child}"] = $"process {child}: {File.ReadAllText($"/proc/{child}/comm").TrimEnd()}";
                }
            }
            catch (IOException)
            {
                // It ended between the listing and now.
            }
        }
    }
}
