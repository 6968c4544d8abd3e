using System.Runtime.InteropServices;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>What a process arranges for itself; here it is that of the tests, put back afterwards.</summary>
[TestClass]
[DoNotParallelize]
public sealed unsafe partial class NativeProcessTests
{
    [TestMethod]
    public void EnsureStandardDescriptors_InputClosed_BecomesTheNullDevice()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows names them otherwise");
            return;
        }

        Assert.AreEqual(Errno.None, NativeDescriptor.Duplicate(0, out nint kept));
        Assert.AreEqual(Errno.None, NativeFile.Close(0));
        Errno error = NativeProcess.EnsureStandardDescriptors();
        Errno asked = NativeFile.Status(0, out FileStatus status);
        Errno read = NativeFile.Read(0, new byte[1], out int count);
        Errno written = NativeFile.Write(0, "x"u8, out _);
        Assert.AreEqual(0, dup2((int)kept, 0));
        _ = NativeFile.Close(kept);

        Assert.AreEqual(Errno.None, error);
        Assert.AreEqual(Errno.None, asked);
        Assert.AreEqual(FileKind.CharacterDevice, status.Kind);
        Assert.AreEqual(Errno.None, read);
        Assert.AreEqual(0, count);
        Assert.AreEqual(Errno.None, written);
    }

    [TestMethod]
    public void EnsureStandardDescriptors_AllOpen_ChangesNothing()
    {
        Assert.AreEqual(Errno.None, NativeFile.Status(0, out FileStatus before));
        Assert.AreEqual(Errno.None, NativeProcess.EnsureStandardDescriptors());
        Assert.AreEqual(Errno.None, NativeFile.Status(0, out FileStatus after));
        Assert.AreEqual(before.Identity, after.Identity);
    }

    [TestMethod]
    public void RaiseOpenFileLimit_RaisesItToTheHardOne()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.IsGreaterThan(255, NativeProcess.RaiseOpenFileLimit());
            return;
        }

        const int NumberOfFiles = 7; // RLIMIT_NOFILE
        ulong* limit = stackalloc ulong[2];
        Assert.AreEqual(0, getrlimit(NumberOfFiles, limit));
        ulong soft = limit[0];
        ulong hard = limit[1];
        limit[0] = Math.Min(1000, hard);
        Assert.AreEqual(0, setrlimit(NumberOfFiles, limit));
        Assert.AreEqual((long)hard, NativeProcess.RaiseOpenFileLimit());
        Assert.AreEqual((long)hard, NativeProcess.RaiseOpenFileLimit());
        Assert.AreEqual(0, getrlimit(NumberOfFiles, limit));
        Assert.AreEqual(hard, limit[0]);
        limit[0] = soft;
        Assert.AreEqual(0, setrlimit(NumberOfFiles, limit));
    }

    [LibraryImport("libc")]
    private static partial int dup2(int from, int to);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, ulong* limit);
}
