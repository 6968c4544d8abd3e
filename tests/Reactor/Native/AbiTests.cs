using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net;
using Poetry.Net.Native;

namespace Poetry.Tests.Net;

/// <summary>
/// The sizes and offsets of what is shared with a kernel, pinned; and, where a C compiler is at hand on Linux, every
/// constant, struct and errno compared with what the system's own headers say.
/// </summary>
[TestClass]
public sealed unsafe class AbiTests
{
    /// <summary>Ours, and what it is called in C where that is another name.</summary>
    private static readonly (Type Ours, string C)[] LinuxStructs =
    [
        (typeof(Libc.struct_rlimit), "struct rlimit"),
        (typeof(Libc.struct_timeval), "struct timeval"),
        (typeof(Libc.struct_timespec), "struct timespec"),
        (typeof(Libc.struct_winsize), "struct winsize"),
        (typeof(Libc.struct_msghdr), "struct msghdr"),
        (typeof(LinuxAbi.struct_sock_filter), "struct sock_filter"),
        (typeof(LinuxAbi.struct_sock_fprog), "struct sock_fprog"),
    ];

    [TestMethod]
    public void Sizes_OfWhatLinuxShares_AreItsOwn()
    {
        Assert.AreEqual(56, sizeof(Libc.struct_msghdr));
        Assert.AreEqual(16, sizeof(Libc.struct_timeval));
        Assert.AreEqual(16, sizeof(Libc.struct_timespec));
        Assert.AreEqual(16, sizeof(Libc.struct_rlimit));
        Assert.AreEqual(8, sizeof(Libc.struct_winsize));
        Assert.AreEqual(16, sizeof(IoVector));
    }

    [TestMethod]
    [UnsupportedOSPlatform("windows")]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Sizes_OfWhatBsdShares_AreItsOwn()
    {
        Assert.AreEqual(32, sizeof(DarwinAbi.struct_kevent));
        Assert.AreEqual(0, Offset<DarwinAbi.struct_kevent>("ident"));
        Assert.AreEqual(8, Offset<DarwinAbi.struct_kevent>("filter"));
        Assert.AreEqual(10, Offset<DarwinAbi.struct_kevent>("flags"));
        Assert.AreEqual(12, Offset<DarwinAbi.struct_kevent>("fflags"));
        Assert.AreEqual(16, Offset<DarwinAbi.struct_kevent>("data"));
        Assert.AreEqual(24, Offset<DarwinAbi.struct_kevent>("udata"));
        Assert.AreEqual(24, Offset<Libc.struct_msghdr>("msg_iovlen"));
        Assert.AreEqual(40, Offset<Libc.struct_msghdr>("msg_controllen"), "msg_flags follow at 44, and the struct ends at 48");
    }

    [TestMethod]
    public void Sizes_OfWhatWindowsShares_AreItsOwn()
    {
        Assert.AreEqual(16, sizeof(WindowsAbi.WSABUF));
        Assert.AreEqual(8, Offset<WindowsAbi.WSABUF>("buf"));
        Assert.AreEqual(8, sizeof(WindowsAbi.struct_timeval));
        Assert.AreEqual(52, sizeof(WindowsAbi.BY_HANDLE_FILE_INFORMATION));
        Assert.AreEqual(22, sizeof(WindowsAbi.CONSOLE_SCREEN_BUFFER_INFO));
    }

    [TestMethod]
    [DataRow("SOL_SOCKET")]
    [DataRow("SO_ACCEPTCONN")]
    [DataRow("SO_LINGER")]
    [DataRow("SO_ERROR")]
    [DataRow("IPV6_V6ONLY")]
    public void Winsock_SharesTheNumbersOf44Bsd(string name)
    {
        // NativeSocket.Options relies on it.
        long bsd = ConstantsOf(typeof(DarwinAbi)).Single(one => one.C == name).Ours;
        long windows = ConstantsOf(typeof(WindowsAbi)).Single(one => one.C == name).Ours;
        Assert.AreEqual(bsd, windows);
    }

    [TestMethod]
    public void LinuxHeaders_SayWhatWeSay()
    {
        // Aim: nothing in CommonAbi, Libc, LinuxAbi and Errno is a slip of the pen. Method: a C program prints each of
        // their constants, sizes and offsets by the names they have in C; the lines are compared with ours.
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("the headers of Linux are on Linux");
        }

        var expected = new List<(string C, long Ours)>();
        foreach (Type abi in new[] { typeof(CommonAbi), typeof(Libc), typeof(LinuxAbi) })
        {
            expected.AddRange(ConstantsOf(abi));
        }

        expected.AddRange(Enum.GetValues<Errno>().Where(errno => errno != 0).Select(errno => ($"{errno}", (long)errno)));
        foreach ((Type ours, string c) in LinuxStructs)
        {
            expected.Add(($"sizeof({c})", Marshal.SizeOf(ours)));
            expected.AddRange(ours.GetFields().Select(field =>
                ($"offsetof({c}, {field.Name})", (long)Marshal.OffsetOf(ours, field.Name))));
        }

        expected.Add(("sizeof(struct linger)", 2 * sizeof(int)));
        expected.Add(("sizeof(struct statx)", StatLayout.MaxBytes));
        expected.AddRange(OffsetsOf(StatLayout.Statx, "struct statx", "stx"));
        expected.AddRange(OffsetsOf(
            RuntimeInformation.ProcessArchitecture == Architecture.X64 ? StatLayout.LinuxOnX64 : StatLayout.Linux, "struct stat", "st"));
        bool isPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        expected.Add(("sizeof(struct epoll_event)", isPacked ? LinuxAbi.EpollEventPackedSize : LinuxAbi.EpollEventSize));
        expected.Add(("sizeof(((struct epoll_event*)0)->data)", LinuxAbi.EpollDataSize));
        expected.Add(("sizeof(((struct sockaddr_un*)0)->sun_path)", LinuxAbi.SunPathLength));
        expected.Add(("sizeof(struct sockaddr_storage)", SocketAddressCodec.MaxLengthBytes));
        expected.Add(("offsetof(struct iovec, iov_len)", 8));

        string[] lines = RunC(expected.Select(static one => one.C));
        Assert.HasCount(expected.Count, lines);
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.AreEqual(expected[i].Ours, long.Parse(lines[i], CultureInfo.InvariantCulture), expected[i].C);
        }

        Assert.IsGreaterThan(120, lines.Length, "all were found");
    }

    private static IEnumerable<(string C, long Ours)> ConstantsOf(Type abi) => abi
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(static field => field.IsLiteral && !field.Name.Any(char.IsLower))
        .Select(static field => (field.Name, Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)));

    private static (string C, long Ours)[] OffsetsOf(StatLayout layout, string c, string prefix) =>
    [
        ($"offsetof({c}, {prefix}_mode)", layout.Mode),
        ($"offsetof({c}, {prefix}_ino)", layout.Inode),
        ($"offsetof({c}, {prefix}_size)", layout.Size),
        ($"offsetof({c}, {prefix}_mtime)", layout.Modified),
    ];

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);

    /// <summary>Compiles and runs a program that prints each expression on a line.</summary>
    private static string[] RunC(IEnumerable<string> expressions)
    {
        string[] headers =
        [
            "errno.h", "fcntl.h", "limits.h", "netinet/in.h", "netinet/tcp.h", "poll.h", "signal.h", "stddef.h",
            "stdio.h", "sys/epoll.h", "sys/eventfd.h", "sys/ioctl.h", "sys/mman.h", "linux/filter.h", "linux/mman.h",
            "sys/resource.h", "sys/signalfd.h", "sys/socket.h", "sys/stat.h", "sys/time.h", "sys/uio.h", "sys/un.h", "sys/wait.h",
        ];
        DirectoryInfo directory = Directory.CreateTempSubdirectory("poetry-abi-");
        try
        {
            string source = Path.Combine(directory.FullName, "abi.c");
            string program = Path.Combine(directory.FullName, "abi");
            File.WriteAllText(
                source,
                "#define _GNU_SOURCE\n"
                + string.Concat(headers.Select(static header => $"#include <{header}>\n"))
                + "int main(void) {\n"
                + string.Concat(expressions.Select(static c => $"  printf(\"%lld\\n\", (long long)({c}));\n"))
                + "  return 0;\n}\n");
            _ = Run("cc", ["-w", "-o", program, source]);
            return Run(program, []).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start)!;
            string output = process.StandardOutput.ReadToEnd();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.AreEqual(0, process.ExitCode, errors);
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("no C compiler here");
            throw;
        }
    }
}
