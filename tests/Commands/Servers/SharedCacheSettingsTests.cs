using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

/// <summary>Where the address of the shared cache comes from, and how a wrong one is refused.</summary>
[TestClass]
public sealed class SharedCacheSettingsTests
{
    [TestMethod]
    [DataRow(null, null, null)]
    [DataRow(null, "", null)]
    [DataRow("", "redis://b", null)]
    [DataRow("redis://a", "redis://b", "redis://a:6379")]
    [DataRow(null, "redis://b", "redis://b:6379")]
    [DataRow("redis://user:secret@a:1,b:2/3", null, "redis://a:1,b:2/3")]
    public void TheOptionWins_AndEmptyIsNone(string? option, string? variable, string? address)
    {
        SharedCacheSettings.ReadAddress(
            option, name => name == SharedCacheSettings.AddressVariable ? variable : null, out RedisAddress? read, out string? problem);
        Assert.IsNull(problem);
        Assert.AreEqual(address, read?.ToString());
    }

    [TestMethod]
    public void ThePassword_ComesFromTheEnvironment_UnlessTheAddressHasOne()
    {
        SharedCacheSettings.ReadAddress(
            "redis://a", name => name == SharedCacheSettings.PasswordVariable ? "word" : null, out RedisAddress? read, out _);
        Assert.IsTrue(read!.HasPassword);
    }

    [TestMethod]
    [DataRow("--shared-cache redis://:secret@ 7")]
    [DataRow("--shared-cache http://user:secret@a 7")]
    [DataRow("--shared-cache rediss://:secret@a 7", "TLS")]
    [DataRow("--shared-cache redis://:secret@a:port 7")]
    [DataRow("--shared-cache redis://:secret@a/zero 7")]
    [DataRow("--shared-cache redis://:sec%ret@a 7")]
    [DataRow("--shared-cache unix: 7")]
    [DataRow("--shared-cache redis://a --shared-timeout secret 7", "--shared-timeout", "secret")]
    [DataRow("--shared-cache redis://a --shared-prefix a{b} 7", "--shared-prefix")]
    [DataRow("--shared-cache redis://a --shared-max -1 7", "--shared-max")]
    [DataRow("--shared-max 1k 7", "--shared-max has no effect without --shared-cache")]
    [DataRow("--shared-prefix p 7", "--shared-prefix has no effect without --shared-cache")]
    public void WhatIsWrong_IsOneLine_WithoutThePassword(string line, string names = "--shared-cache", string quoted = "poetry")
    {
        Invocation invocation = CommandLine.Parse(["proxy", .. line.Split(' ')]);
        Assert.IsNull(invocation.Run);
        Assert.AreEqual(ExitCode.WrongUsage, invocation.ExitCode);
        Assert.StartsWith("poetry proxy: ", invocation.Text);
        Assert.Contains(names, invocation.Text);
        Assert.Contains(quoted, invocation.Text);
        Assert.IsTrue(quoted == "secret" || !invocation.Text.Contains("sec", System.StringComparison.Ordinal), invocation.Text);
        Assert.AreEqual(1, invocation.Text.Split('\n').Length - 1);
    }
}
