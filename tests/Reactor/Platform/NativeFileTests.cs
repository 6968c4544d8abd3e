using System.Runtime.InteropServices;
using System.Text;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>Files by plain calls, in a directory of their own.</summary>
[TestClass]
public sealed partial class NativeFileTests
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("poetry-files-");

    [TestCleanup]
    public void DeleteDirectory() => _directory.Delete(recursive: true);

    [TestMethod]
    public void CreateNew_ThenWriteAndClose_LeavesTheBytes()
    {
        string path = At("poem.txt");
        Assert.AreEqual(Errno.None, NativeFile.CreateNew(path, out nint handle));
        Assert.AreEqual(Errno.None, NativeFile.Write(handle, "Ecstasy"u8, out int written));
        Assert.AreEqual(7, written);
        Assert.AreEqual(Errno.None, NativeFile.Close(handle));
        Assert.AreEqual("Ecstasy", File.ReadAllText(path));
    }

    [TestMethod]
    public void CreateNew_WhereSomethingIs_IsRefused()
    {
        Assert.AreEqual(Errno.EEXIST, NativeFile.CreateNew(Written("there"), out nint handle));
        Assert.AreEqual(NativeSocket.Invalid, handle);
    }

    [TestMethod]
    public void CreateNew_ThroughADanglingLink_IsRefused()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("links need a privilege there");
        }

        File.CreateSymbolicLink(At("link"), At("elsewhere"));
        Assert.AreEqual(Errno.EEXIST, NativeFile.CreateNew(At("link"), out _));
        Assert.IsFalse(File.Exists(At("elsewhere")));
    }

    [TestMethod]
    public void CreateNew_TakesItsPermissionsFromTheUmask()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no umask");
            return;
        }

        File.WriteAllText(At("by-the-runtime"), string.Empty); // 0666 less the umask
        Assert.AreEqual(Errno.None, NativeFile.CreateNew(At("by-us"), out nint handle));
        _ = NativeFile.Close(handle);
        Assert.AreEqual(File.GetUnixFileMode(At("by-the-runtime")), File.GetUnixFileMode(At("by-us")));
    }

    [TestMethod]
    public void OpenForReading_ThenRead_GivesTheBytesAndTheEnd()
    {
        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(Written("köln"), out nint handle));
        byte[] buffer = new byte[64];
        Assert.AreEqual(Errno.None, NativeFile.Read(handle, buffer, out int read));
        Assert.AreEqual("köln", Encoding.UTF8.GetString(buffer, 0, read));
        Assert.AreEqual(Errno.None, NativeFile.Read(handle, buffer, out read));
        Assert.AreEqual(0, read);
        _ = NativeFile.Close(handle);
    }

    [TestMethod]
    public void OpenForReading_NothingThere_SaysSo()
    {
        Assert.AreEqual(Errno.ENOENT, NativeFile.OpenForReading(At("nothing"), out nint handle));
        Assert.AreEqual(NativeSocket.Invalid, handle);
        Assert.AreEqual(Errno.ENOENT, NativeFile.OpenForReading(At("a\0b"), out _));
        Assert.AreEqual(Errno.ENAMETOOLONG, NativeFile.OpenForReading(new string('x', 5000), out _));
    }

    [TestMethod]
    public void OpenForReading_FifoWithoutWriter_DoesNotWait()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no named pipes among its files");
        }

        Assert.AreEqual(0, mkfifo(Encoding.UTF8.GetBytes(At("fifo") + '\0'), 0x180));
        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(At("fifo"), out nint handle));
        Assert.AreEqual(Errno.None, NativeFile.Status(handle, out FileStatus status));
        Assert.AreEqual(FileKind.Fifo, status.Kind);
        _ = NativeFile.Close(handle);
    }

    [TestMethod]
    public void Read_Directory_SaysSo()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows says it otherwise");
        }

        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(_directory.FullName, out nint handle));
        Assert.AreEqual(Errno.None, NativeFile.Status(handle, out FileStatus status));
        Assert.AreEqual(FileKind.Directory, status.Kind);
        Assert.AreEqual(Errno.EISDIR, NativeFile.Read(handle, new byte[1], out _));
        _ = NativeFile.Close(handle);
    }

    [TestMethod]
    public void Status_OfARegularFile_TellsSizeAndChange()
    {
        string path = Written("verse");
        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(path, out nint handle));
        Assert.AreEqual(Errno.None, NativeFile.Status(handle, out FileStatus first));
        Assert.AreEqual(Errno.None, NativeFile.Status(handle, out FileStatus second));
        Assert.AreEqual(FileKind.Regular, first.Kind);
        Assert.AreEqual(5, first.SizeBytes);
        Assert.IsTrue(second.IsUnchangedSince(first));

        File.SetLastWriteTimeUtc(path, new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Assert.AreEqual(Errno.None, NativeFile.Status(handle, out FileStatus touched));
        Assert.IsFalse(touched.IsUnchangedSince(first));
        _ = NativeFile.Close(handle);
    }

    [TestMethod]
    public void StatusOf_FollowsNoLink()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("links need a privilege there");
        }

        string path = Written("verse");
        File.CreateSymbolicLink(At("link"), path);
        Assert.AreEqual(Errno.None, NativeFile.StatusOf(path, out FileStatus status));
        Assert.AreEqual(FileKind.Regular, status.Kind);
        Assert.AreEqual(Errno.None, NativeFile.StatusOf(At("link"), out status));
        Assert.AreEqual(FileKind.Link, status.Kind);
        Assert.AreEqual(Errno.None, NativeFile.StatusOf("/dev/null", out status));
        Assert.AreEqual(FileKind.CharacterDevice, status.Kind);
        using var listener = new TestListener(AddressKind.Unix);
        Assert.AreEqual(Errno.None, NativeFile.StatusOf(listener.Address.Path, out status));
        Assert.AreEqual(FileKind.Socket, status.Kind);
        Assert.AreEqual(Errno.ENOENT, NativeFile.StatusOf(At("nothing"), out status));
    }

    [TestMethod]
    public void Rename_ReplacesWhatWasThere()
    {
        string from = Written("new");
        File.WriteAllText(At("poem"), "old");
        Assert.AreEqual(Errno.None, NativeFile.Rename(from, At("poem")));
        Assert.AreEqual("new", File.ReadAllText(At("poem")));
        Assert.IsFalse(File.Exists(from));
        Assert.AreEqual(Errno.ENOENT, NativeFile.Rename(from, At("poem")));
    }

    [TestMethod]
    public void Unlink_RemovesTheName()
    {
        string path = Written("gone");
        Assert.AreEqual(Errno.None, NativeFile.Unlink(path));
        Assert.AreEqual(Errno.ENOENT, NativeFile.Unlink(path));
    }

    [TestMethod]
    public void Duplicate_OutlivesTheOriginal()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("nothing is duplicated on Windows");
            return;
        }

        Assert.AreEqual(Errno.None, NativeFile.OpenForReading(Written("twice"), out nint handle));
        Assert.AreEqual(Errno.None, NativeDescriptor.Duplicate(handle, out nint duplicate));
        Assert.AreNotEqual(handle, duplicate);
        Assert.AreEqual(Errno.None, NativeFile.Close(handle));
        Assert.AreEqual(Errno.None, NativeFile.Read(duplicate, new byte[9], out int read));
        Assert.AreEqual(5, read);
        _ = NativeFile.Close(duplicate);
        Assert.AreEqual(Errno.EBADF, NativeDescriptor.Duplicate(duplicate, out _));
    }

    [TestMethod]
    public void Write_ToAFullDisk_SaysSo()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("/dev/full is Linux's");
        }

        using FileStream full = File.OpenWrite("/dev/full");
        nint handle = full.SafeFileHandle.DangerousGetHandle();
        Assert.AreEqual(Errno.ENOSPC, NativeFile.Write(handle, "verse"u8, out int written));
        Assert.AreEqual(0, written);
    }

    [TestMethod]
    public void Write_ToAPipeWithoutAReader_IsABrokenPipe()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("its pipes are not descriptors");
        }

        int[] ends = new int[2];
        Assert.AreEqual(0, pipe(ends));
        _ = NativeFile.Close(ends[0]);
        Assert.AreEqual(Errno.EPIPE, NativeFile.Write(ends[1], "verse"u8, out _));
        _ = NativeFile.Close(ends[1]);
    }

    [LibraryImport("libc")]
    private static partial int mkfifo(byte[] path, int mode);

    [LibraryImport("libc")]
    private static partial int pipe(int[] ends);

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private string Written(string text)
    {
        string path = At("written.txt");
        File.WriteAllText(path, text);
        return path;
    }
}
