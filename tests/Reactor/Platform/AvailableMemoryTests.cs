using System.Text;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What control groups leave, read from files like those of the kernel.</summary>
[TestClass]
public sealed class AvailableMemoryTests
{
    private TemporaryFolder _folder = null!;

    [TestInitialize]
    public void OpenFolder() => _folder = new TemporaryFolder();

    [TestCleanup]
    public void CloseFolder() => _folder.Dispose();

    [TestMethod]
    public void InGroups_OfTheSecondVersion_IsTheLeastOfAllAbove()
    {
        Write("memory.current", "1");
        Write("a/memory.max", "1000");
        Write("a/memory.current", "900");
        Write("a/b/memory.max", "500");
        Write("a/b/memory.current", "100");
        Assert.AreEqual(100, InGroups("0::/a/b"));
    }

    [TestMethod]
    public void InGroups_FilesThatWereRead_CountAsFree()
    {
        Write("a/memory.max", "1000");
        Write("a/memory.current", "900");
        Write("a/memory.stat", "anon 5\nfile 700\nshmem 200\ninactive_anon 200\ninactive_file 300\nactive_file 200\n");
        Assert.AreEqual(600, InGroups("0::/a"));
    }

    [TestMethod]
    public void InGroups_OfTheFirstVersion_HasOtherNames()
    {
        Write("memory/a/memory.limit_in_bytes", "1000");
        Write("memory/a/memory.usage_in_bytes", "900");
        Write("memory/a/memory.stat", "inactive_file 1\nactive_file 1\ntotal_inactive_file 30\ntotal_active_file 20\n");
        Assert.AreEqual(150, InGroups("3:cpuset:/a\n4:memory:/a\n1:name=systemd:/b\n0::/"));
    }

    /// <summary>A container may be shown its own group as the root, and yet be told its path outside.</summary>
    [TestMethod]
    public void InGroups_WhosePathIsNotHere_AreThoseAboveIt()
    {
        Write("memory.max", "1000");
        Write("memory.current", "400");
        Assert.AreEqual(600, InGroups("0::/outside/7c0ffee"));
    }

    [TestMethod]
    [DataRow("max", "400")]
    [DataRow("", "400")]
    [DataRow("1000", "many")]
    public void InGroups_WithoutALimit_AreNone(string limit, string usage)
    {
        Write("a/memory.max", limit);
        Write("a/memory.current", usage);
        Assert.AreEqual(long.MaxValue, InGroups("0::/a"));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("nonsense")]
    [DataRow("0::")]
    [DataRow("4:memory:/nowhere")]
    public void InGroups_ThatAreNotThere_AreNone(string membership) => Assert.AreEqual(long.MaxValue, InGroups(membership));

    [TestMethod]
    public void InGroups_OverTheirLimit_LeaveNothing()
    {
        Write("a/memory.max", "1000");
        Write("a/memory.current", "1001");
        Assert.AreEqual(0, InGroups("0::/a"));
    }

    [TestMethod]
    public void Bytes_OfThisMachine_AreSome() => Assert.IsGreaterThan(0L, AvailableMemory.Bytes());

    /// <summary>Garbage is memory too, and this is asked most often when there is none left.</summary>
    [TestMethod]
    public void Bytes_AskedAgain_AllocatesNothing()
    {
        _ = AvailableMemory.Bytes();
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = AvailableMemory.Bytes();
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void MoreThanAnyMachineHas_CannotBeFilled()
    {
        AvailableMemory.Fill(1);
        _ = Assert.ThrowsExactly<InsufficientMemoryException>(static () => AvailableMemory.Fill(long.MaxValue));
    }

    private void Write(string path, string text)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(_folder[path])!);
        File.WriteAllText(_folder[path], $"{text}\n");
    }

    private long InGroups(string membership) => new ControlGroups(Encoding.UTF8.GetBytes($"{membership}\n"), _folder["."]).FreeBytes();
}
