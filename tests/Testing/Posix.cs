using System.Reflection;
using System.Runtime.InteropServices;

namespace Poetry.Tests.Testing;

/// <summary>What the tests need of POSIX and .NET does not offer.</summary>
internal static partial class Posix
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGUSR2 = 12;
    public const int SIGTERM = 15;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;

    public static bool IsRoot => geteuid() == 0;

    /// <summary>Another descriptor of the same thing, for who will close it.</summary>
    public static nint Duplicate(nint descriptor) => dup((int)descriptor);

    public static void Kill(int processId, int signal) =>
        Assert.AreEqual(0, kill(processId, signal), $"kill({processId}, {signal})");

    public static void MakeFifo(string path)
    {
        const uint ReadableByAll = 0x1A4; // 0644
        Assert.AreEqual(0, mkfifo(path, ReadableByAll), $"mkfifo {path}");
    }

    /// <summary>Lets the children of this process have a descriptor, or keeps it from them as .NET does.</summary>
    public static void LetInherit(nint descriptor, bool inherit)
    {
        const int F_SETFD = 2;
        const int FD_CLOEXEC = 1;
        Assert.AreEqual(0, fcntl((int)descriptor, F_SETFD, inherit ? 0 : FD_CLOEXEC), "fcntl");
    }

    /// <summary>The path of a tool of the machine; a skipped test, with the reason, where it has none.</summary>
    public static string Tool(string name)
    {
        string? path = FindTool(name);
        if (path is null)
        {
            Assert.Inconclusive($"there is no {name} on this machine");
        }

        return path;
    }

    /// <summary>The path of a tool of the machine; null where it has none.</summary>
    public static string? FindTool(string name) =>
        Array.ConvertAll(["/usr/bin", "/bin", "/usr/sbin", "/sbin"], folder => $"{folder}/{name}").FirstOrDefault(File.Exists);

    /// <summary>A command before a program's that takes root's rights away; a skipped test where that can't be done.</summary>
    public static string[] WithoutRights()
    {
        if (!IsRoot)
        {
            return [];
        }

        if (!File.Exists("/usr/bin/setpriv"))
        {
            Assert.Inconclusive("root may do anything, and setpriv is not here to take its rights away");
        }

        return ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    }

    /// <summary>
    /// Until it is disposed, this process opens no descriptor: the soft limit is what is open. Whatever else goes on in
    /// the process has to do without, too: so it should not be for long, and the runtime is given all its files before.
    /// </summary>
    public static IDisposable WithoutFreeDescriptors()
    {
        LoadReferences(typeof(Posix).Assembly, []);
        return new DescriptorLimit();
    }

    private static void LoadReferences(Assembly assembly, HashSet<string> loaded)
    {
        foreach (AssemblyName reference in assembly.GetReferencedAssemblies())
        {
            if (!loaded.Add(reference.FullName))
            {
                continue;
            }

            try
            {
                LoadReferences(Assembly.Load(reference), loaded);
            }
            catch (IOException)
            {
                // Not here, as many a facade: then it is not needed.
            }
        }
    }

    /// <summary>Makes the buffer of a pipe or FIFO as small as it can be: one page.</summary>
    public static void MakePipeSmall(SafeHandle pipe)
    {
        const int SetPipeSize = 1031;
        Assert.IsGreaterThan(0, fcntl((int)pipe.DangerousGetHandle(), SetPipeSize, 1), "F_SETPIPE_SZ");
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int sig);

    [LibraryImport("libc")]
    private static partial int fcntl(int descriptor, int command, int value);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc")]
    private static unsafe partial int getrlimit(int resource, ulong* limits);

    [LibraryImport("libc")]
    private static unsafe partial int setrlimit(int resource, ulong* limits);

    [LibraryImport("libc")]
    private static partial int dup(int descriptor);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    /// <summary>The limit is on the number of a descriptor: below it, those that are free are taken up.</summary>
    private sealed unsafe class DescriptorLimit : IDisposable
    {
        private readonly List<int> _taken = [];
        private readonly ulong _before;

        public DescriptorLimit()
        {
            int lowestFree = dup(0);
            _taken.Add(lowestFree);
            _before = Change((ulong)lowestFree + 1);
            for (int next = dup(0); next >= 0; next = dup(0))
            {
                _taken.Add(next);
            }
        }

        public void Dispose()
        {
            _taken.ForEach(descriptor => Assert.AreEqual(0, close(descriptor)));
            _ = Change(_before);
        }

        private static ulong Change(ulong soft)
        {
            int resource = OperatingSystem.IsLinux() ? 7 : 8;
            ulong* limits = stackalloc ulong[2];
            Assert.AreEqual(0, getrlimit(resource, limits));
            ulong before = limits[0];
            limits[0] = soft;
            Assert.AreEqual(0, setrlimit(resource, limits));
            return before;
        }
    }
}
