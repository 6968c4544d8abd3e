namespace Poetry.Tests.Testing;

/// <summary>The fixture does what the tests that use it rely on.</summary>
[TestClass]
public sealed class RedisServerTests
{
    [TestMethod]
    public void Server_Answers_AndIsEmptyAfterARestart()
    {
        using var server = new RedisServer();
        Assert.AreEqual("+OK", server.Run("SET", "key", "value"));
        Assert.AreEqual("value", server.Run("GET", "key"));
        Assert.AreEqual("key", server.Run("KEYS", "*"));
        server.Pause();
        server.Resume();
        Assert.AreEqual("value", server.Run("GET", "key"));
        server.Kill();
        server.Start();
        Assert.IsNull(server.Run("GET", "key"));
    }
}
