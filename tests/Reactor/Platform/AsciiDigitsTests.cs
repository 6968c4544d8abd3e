using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class AsciiDigitsTests
{
    [TestMethod]
    [DataRow(0UL)]
    [DataRow(9UL)]
    [DataRow(10UL)]
    [DataRow(255UL)]
    [DataRow(65535UL)]
    [DataRow(1_000_000_007UL)]
    [DataRow(ulong.MaxValue)]
    public void Write_WritesWhatDotNetWrites(ulong number)
    {
        Span<byte> text = stackalloc byte[AsciiDigits.MaxDigits];
        int length = AsciiDigits.Write(number, text);
        Assert.AreEqual(number.ToString(CultureInfo.InvariantCulture), Encoding.ASCII.GetString(text[..length]));
    }

    [TestMethod]
    public void WriteFixed_FillsWithZerosInFront()
    {
        Span<byte> text = stackalloc byte[5];
        AsciiDigits.WriteFixed(42, text);
        Assert.AreEqual("00042", Encoding.ASCII.GetString(text));
    }
}
