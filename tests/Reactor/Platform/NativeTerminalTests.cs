using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed unsafe class NativeTerminalTests
{
    [TestMethod]
    public void IsTerminal_OfAFile_IsFalseAndHasNoColumns()
    {
        string path = Path.GetTempFileName();
        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(path, out nint handle));
        Assert.IsFalse(NativeTerminal.IsTerminal(handle));
        Assert.AreEqual(0, NativeTerminal.Size(handle).Columns);
        _ = NativeFile.Close(handle);
        File.Delete(path);
    }

    [TestMethod]
    public void IsTerminal_OfAPseudoTerminal_IsTrueAndHasColumns()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/dev/ptmx"))
        {
            Assert.Inconclusive("no /dev/ptmx here");
            return;
        }

        const int SetWindowSize = 0x5414; // TIOCSWINSZ
        Assert.AreEqual(Errno.None, NativeFile.OpenForReading("/dev/ptmx", out nint handle));
        ushort* size = stackalloc ushort[] { 24, 132, 0, 0 };
        Assert.AreEqual(Errno.None, NativeDescriptor.Ioctl(handle, SetWindowSize, size));
        Assert.IsTrue(NativeTerminal.IsTerminal(handle));
        Assert.AreEqual(132, NativeTerminal.Size(handle).Columns);
        _ = NativeFile.Close(handle);
    }
}
