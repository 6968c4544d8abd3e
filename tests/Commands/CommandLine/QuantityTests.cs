using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class QuantityTests
{
    [TestMethod]
    [DataRow("0", 0L)]
    [DataRow("1", 10_000_000L)]
    [DataRow("0.7", 7_000_000L)]
    [DataRow(".5", 5_000_000L)]
    [DataRow("00.50", 5_000_000L)]
    [DataRow("500ms", 5_000_000L)]
    [DataRow("1.5ms", 15_000L)]
    [DataRow("2h", 72_000_000_000L)]
    [DataRow("1m30s", 900_000_000L)]
    [DataRow("1d", 864_000_000_000L)]
    [DataRow("1h0m0.5s", 36_005_000_000L)]
    [DataRow("0.00000001", 1L, DisplayName = "what is more than nothing never becomes nothing")]
    [DataRow("0.00000000000000000001", 1L)]
    [DataRow("0.0000000000000000000", 0L)]
    [DataRow("0.00000000000000000000000000000000000000001d", 1L)]
    [DataRow("1.00000000000000000000000000000000000000001s", 10_000_001L, DisplayName = "what is left over is rounded up")]
    [DataRow("0.000000000000000000000000000000000000000000", 0L)]
    public void TryParseDuration_Time_IsExact(string text, long ticks)
    {
        Assert.IsTrue(Quantity.TryParseDuration(text, out TimeSpan value, out string? problem), problem);
        Assert.AreEqual(ticks, value.Ticks);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("-1")]
    [DataRow("+1")]
    [DataRow(" 1")]
    [DataRow("1 ")]
    [DataRow("NaN")]
    [DataRow("Infinity")]
    [DataRow("inf")]
    [DataRow("1e3")]
    [DataRow("1,5")]
    [DataRow("5.")]
    [DataRow(".")]
    [DataRow("ms")]
    [DataRow("1x")]
    [DataRow("1S")]
    [DataRow("1m30")]
    [DataRow("0s5")]
    [DataRow("1.2.3")]
    [DataRow("forever")]
    [DataRow("1;30")]
    public void TryParseDuration_NoTime_IsRefused(string text)
    {
        Assert.IsFalse(Quantity.TryParseDuration(text, out _, out string? problem));
        Assert.AreEqual($"'{text}' is not a time such as 0.7, 500ms or 2h", problem);
    }

    [TestMethod]
    [DataRow("99999999999999999999")]
    [DataRow("9223372036854775807")]
    [DataRow("922337203685.4775807")]
    [DataRow("10675200d")]
    [DataRow("99999999999999999999999999999999999999999999999999.5d99999999999999999999999999999999999999999999999999d")]
    [DataRow("10675199d86399s1000000s")]
    public void TryParseDuration_TooLong_IsRefusedAndDoesNotWrap(string text)
    {
        Assert.IsFalse(Quantity.TryParseDuration(text, out _, out string? problem));
        Assert.AreEqual($"'{text}' is too long a time", problem);
    }

    [TestMethod]
    public void TryParseLimit_Zero_IsNoLimit()
    {
        Assert.IsTrue(Quantity.TryParseLimit("0ms", out TimeSpan value, out _));
        Assert.AreEqual(Quantity.Never, value);
        Assert.IsTrue(Quantity.TryParseLimit("1", out value, out _));
        Assert.AreEqual(TimeSpan.FromSeconds(1), value);
        Assert.IsFalse(Quantity.TryParseLimit("forever", out _, out _));
    }

    [TestMethod]
    public void TryParseLifetime_ZeroAndForever_AreTheTwoEnds()
    {
        Assert.IsTrue(Quantity.TryParseLifetime("0", out TimeSpan value, out _));
        Assert.AreEqual(TimeSpan.Zero, value);
        Assert.IsTrue(Quantity.TryParseLifetime("forever", out value, out _));
        Assert.AreEqual(Quantity.Never, value);
        Assert.IsTrue(Quantity.TryParseLifetime("2h", out value, out _));
        Assert.AreEqual(TimeSpan.FromHours(2), value);
        Assert.IsFalse(Quantity.TryParseLifetime("Forever", out _, out _));
    }

    [TestMethod]
    [DataRow("0", 0L)]
    [DataRow("65536", 65536L)]
    [DataRow("10B", 10L)]
    [DataRow("64KiB", 65536L)]
    [DataRow("1MiB", 1048576L)]
    [DataRow("2gib", 2147483648L)]
    [DataRow("1TiB", 1099511627776L)]
    [DataRow("10k", 10240L)]
    [DataRow("10K", 10240L)]
    [DataRow("1M", 1048576L)]
    [DataRow("10kB", 10000L)]
    [DataRow("10MB", 10000000L)]
    [DataRow("8388607TiB", 9223370937343148032L)]
    [DataRow("9223372036854775807", long.MaxValue)]
    public void TryParseSize_Size_IsBytes(string text, long expected)
    {
        Assert.IsTrue(Quantity.TryParseSize(text, out long bytes, out string? problem), problem);
        Assert.AreEqual(expected, bytes);
    }

    [TestMethod]
    [DataRow("", "not a size")]
    [DataRow("-1", "not a size")]
    [DataRow("KiB", "not a size")]
    [DataRow("1.5MiB", "not a size")]
    [DataRow("1KiBB", "not a size")]
    [DataRow("1Ki", "not a size")]
    [DataRow("1X", "not a size")]
    [DataRow("1 KiB", "not a size")]
    [DataRow("NaN", "not a size")]
    [DataRow("9223372036854775808", "too large")]
    [DataRow("8388608TiB", "too large")]
    [DataRow("99999999999999999999KiB", "too large")]
    public void TryParseSize_NoSize_IsRefused(string text, string why)
    {
        Assert.IsFalse(Quantity.TryParseSize(text, out _, out string? problem));
        StringAssert.Contains(problem, $"'{text}' is {why}", StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("1", true)]
    [DataRow("5", true)]
    [DataRow("0", false)]
    [DataRow("6", false)]
    [DataRow("-1", false)]
    [DataRow("1.0", false)]
    [DataRow("", false)]
    [DataRow("18446744073709551617", false)]
    public void TryParseNumber_BetweenLeastAndMost_Passes(string text, bool passes)
    {
        Assert.AreEqual(passes, Quantity.TryParseNumber(text, 1, 5, out _, out string? problem));
        Assert.AreEqual(passes ? null : $"'{text}' is not a whole number from 1 to 5", problem);
    }
}
