using System.Diagnostics;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// What the tests of the published executable share: a folder, processes and servers that end with the test, and poems.
/// </summary>
public abstract class NativeTests
{
    private readonly Stack<IDisposable> _owned = new();

    /// <summary>A poem of about 600 bytes, with accents and line ends.</summary>
    internal static byte[] Poem { get; } = MakePoem(600);

    /// <summary>A poem that no kernel buffer takes at once.</summary>
    internal static byte[] LongPoem { get; } = MakePoem(10 * 1024 * 1024);

    internal TemporaryFolder Folder { get; private set; } = null!;

    [TestInitialize]
    public void OpenFolder()
    {
        _ = NativeBinary.Path;
        Folder = Own(new TemporaryFolder());
    }

    [TestCleanup]
    public void LeaveNothingBehind()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }

        string[] left = [.. Process.GetProcessesByName("poetry").Where(IsOurs).Select(process => $"{process.Id}")];
        Assert.IsEmpty(left, $"processes were left behind: {string.Join(' ', left)}");
    }

    /// <summary>A poem of exactly so many bytes, every part of it different from every other.</summary>
    internal static byte[] MakePoem(int length)
    {
        var poem = new MemoryStream(length + 64);
        for (int line = 1; poem.Length < length; line++)
        {
            poem.Write(System.Text.Encoding.UTF8.GetBytes($"verse {line}: perché la notte è lunga\n"));
        }

        poem.SetLength(length);
        return poem.ToArray();
    }

    internal T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    internal NativeBinary Start(Launch launch) => Own(NativeBinary.Start(launch with { Folder = launch.Folder ?? Folder.Path }));

    /// <summary>Starts a server and waits until it is ready.</summary>
    internal NativeBinary Serve(params string[] arguments) => Serve(new Launch(arguments));

    /// <inheritdoc cref="Serve(string[])"/>
    internal NativeBinary Serve(Launch launch)
    {
        NativeBinary server = Start(launch with { Arguments = ["serve", .. launch.Arguments] });
        _ = server.Output.WaitForLines(1);
        return server;
    }

    /// <summary>Starts a server of one poem and waits until it is ready.</summary>
    internal NativeBinary ServePoem(byte[] poem, params string[] options)
    {
        _ = Folder.Write("poem.txt", poem);
        return Serve([.. options, "poem.txt"]);
    }

    /// <summary>Runs a command to its end.</summary>
    internal Finished Run(params string[] arguments) => Run(new Launch(arguments));

    /// <inheritdoc cref="Run(string[])"/>
    internal Finished Run(Launch launch) => Start(launch).WaitForExit();

    /// <summary>It failed as the manual says: one line, which begins with the program's name, and the exit code.</summary>
    internal static void AssertFailed(Finished finished, int exitCode, params string[] words)
    {
        Assert.AreEqual(exitCode, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.StartsWith("poetry", finished.Errors);
        Assert.IsEmpty(finished.Bytes, "it wrote to standard output");
        foreach (string word in words)
        {
            Assert.Contains(word, finished.Errors);
        }
    }

    private static bool IsOurs(Process process)
    {
        try
        {
            return process.MainModule?.FileName == NativeBinary.Path && ParentOf(process.Id) == Environment.ProcessId;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception or IOException)
        {
            return false;
        }
    }

    /// <summary>The fourth field of /proc/PID/stat, counted from behind the name, which may hold anything.</summary>
    private static int ParentOf(int processId)
    {
        string stat = File.ReadAllText($"/proc/{processId}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
