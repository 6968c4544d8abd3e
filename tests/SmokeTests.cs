using Microsoft.VisualStudio.TestTools.UnitTesting;
namespace Poetry.Tests;
[TestClass]
public sealed class SmokeTests
{
    [TestMethod]
    public void One() => Assert.AreEqual(2, "ab".Length);
}
