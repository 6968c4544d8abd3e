using System.Globalization;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>Memory for long poems.</summary>
[TestClass]
public sealed unsafe class LargeMemoryTests
{
    /// <summary>The kernel lists "hg" for memory that asked for huge pages.</summary>
    [TestMethod]
    public void Megabytes_AreInHugePages()
    {
        if (!Directory.Exists("/sys/kernel/mm/transparent_hugepage"))
        {
            Assert.Inconclusive("this kernel has no huge pages");
        }

        const int Length = 3 * LargeMemory.HugePageBytes;
        byte* block = LargeMemory.Allocate(Length);
        try
        {
            new Span<byte>(block, Length).Fill(1);
            Assert.Contains(" hg", FlagsAt((ulong)block));
        }
        finally
        {
            LargeMemory.Free(block);
        }
    }

    private static string FlagsAt(ulong address)
    {
        bool isInside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] range = line.Split(' ', '-');
            if (range.Length > 2 && ulong.TryParse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong start)
                && ulong.TryParse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong end))
            {
                isInside = address >= start && address < end;
            }
            else if (isInside && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line;
            }
        }

        return "no mapping";
    }
}
