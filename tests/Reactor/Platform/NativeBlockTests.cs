using System.Globalization;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>A block keeps what was put into it, however it grew, and takes large pages where there are some.</summary>
[TestClass]
public sealed unsafe class NativeBlockTests
{
    private const int LargePage = 2 * 1024 * 1024;

    private NativeBlock? _block;

    [TestCleanup]
    public void Free() => _block?.Free();

    /// <summary>From plain memory into a file, into large pages, and shorter at last than it was made.</summary>
    [TestMethod]
    [DataRow(new[] { 1 }, 1)]
    [DataRow(new[] { 100, 300_000 }, 299_999)]
    [DataRow(new[] { 300_000 }, 0)]
    [DataRow(new[] { LargePage - 1 }, LargePage - 1)]
    [DataRow(new[] { LargePage + 1 }, LargePage)]
    [DataRow(new[] { (2 * LargePage) + 4096 }, (2 * LargePage) - 1)]
    [DataRow(new[] { 1000, 400_000, LargePage, 3 * LargePage, 7 * LargePage }, (5 * LargePage) + 77)]
    public void Seal_HoweverItGrew_HasWhatWasWritten(int[] capacities, int length)
    {
        _block = new NativeBlock(capacities[0]);
        Fill(0, capacities[0]);
        for (int i = 1; i < capacities.Length; i++)
        {
            _block.Grow(capacities[i]);
            Fill(capacities[i - 1], capacities[i]);
        }

        _block.Seal(length);

        ReadOnlySpan<byte> bytes = _block.Part(0, length).Span;
        for (int i = 0; i < length; i++)
        {
            if (bytes[i] != Pattern(i))
            {
                Assert.Fail($"byte {i} of {length} is {bytes[i]}");
            }
        }
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Seal_MoreThanALargePage_LiesInOne(bool lengthIsKnown)
    {
        AssumeLargePages();
        const int Length = (2 * LargePage) + 1;
        _block = new NativeBlock(lengthIsKnown ? Length : 300_000);
        _block.Grow(Length);
        Fill(0, Length);
        _block.Seal(Length);
        Assert.AreEqual(0, InMapping("Rss:"), "nothing is resident before it is read");

        Assert.AreEqual(Pattern(LargePage / 2), _block.Part(0, Length).Span[LargePage / 2]);

        Assert.IsGreaterThanOrEqualTo(LargePage / 1024, InMapping("ShmemPmdMapped:"), "a read in a large page maps all of it");
    }

    private static byte Pattern(int at) => (byte)((at * 31) + (at >> 12));

    private static void AssumeLargePages()
    {
        const string Folder = "/sys/kernel/mm/transparent_hugepage/";
        if (!OperatingSystem.IsLinux()
            || Environment.OSVersion.Version < new Version(6, 1)
            || !File.Exists($"{Folder}hpage_pmd_size")
            || File.ReadAllText($"{Folder}hpage_pmd_size").Trim() != LargePage.ToString(CultureInfo.InvariantCulture)
            || File.ReadAllText($"{Folder}shmem_enabled").Contains("[deny]", StringComparison.Ordinal))
        {
            Assert.Inconclusive("this kernel has no huge pages of 2 MiB on request");
        }
    }

    private void Fill(int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            _block!.Start[i] = Pattern(i);
        }
    }

    /// <summary>A field of smaps (proc(5)) in KiB, of the mapping that begins where the block does.</summary>
    private int InMapping(string field)
    {
        string start = ((nint)_block!.Start).ToString("x", CultureInfo.InvariantCulture) + "-";
        string line = File.ReadLines("/proc/self/smaps")
            .SkipWhile(line => !line.StartsWith(start, StringComparison.Ordinal))
            .First(line => line.StartsWith(field, StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
