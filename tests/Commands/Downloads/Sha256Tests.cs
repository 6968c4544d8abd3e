using System.Security.Cryptography;
using System.Text;
using Poetry.Commands;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class Sha256Tests
{
    /// <summary>The examples of FIPS 180-4.</summary>
    [TestMethod]
    [DataRow("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [DataRow("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [DataRow(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void Finish_Examples_AreRight(string text, string expected)
    {
        var hash = new Sha256();
        hash.Append(Encoding.ASCII.GetBytes(text));
        Assert.AreEqual(expected, Convert.ToHexStringLower(hash.Finish()));
    }

    /// <summary>Every length around three blocks, in pieces of every size: the same as .NET's.</summary>
    [TestMethod]
    public void Finish_AnyLengthInAnyPieces_IsWhatNetSays()
    {
        byte[] bytes = new byte[200];
        new Random(1).NextBytes(bytes);
        for (int length = 0; length <= bytes.Length; length++)
        {
            string expected = Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, length)));
            for (int piece = 1; piece <= 130; piece += 3)
            {
                var hash = new Sha256();
                for (int at = 0; at < length; at += piece)
                {
                    hash.Append(bytes.AsSpan(at, Math.Min(piece, length - at)));
                }

                Assert.AreEqual(expected, Convert.ToHexStringLower(hash.Finish()), $"{length} bytes in pieces of {piece}");
            }
        }
    }
}
