using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Programs of others: Twisted on both sides of every protocol, and the clients that people have.</summary>
[TestClass]
public sealed class InteropTests : NativeTests
{
    private static byte[] Lower => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Poem[..^1]).ToLowerInvariant());

    [TestMethod]
    [DataRow("serve")]
    [DataRow("slow-serve", "--num-bytes", "100", "--delay", "0.01")]
    [DataRow("serve", "--workers", "2")]
    public void TwistedClients_GetOurPoems(params string[] command)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch([.. command, "poem.txt"]));
        AssertTwistedGets(server.Port(), Poem, 20);
    }

    [TestMethod]
    public void TwistedClients_GetOurLongPoem()
    {
        NativeBinary server = ServePoem(LongPoem);
        AssertTwistedGets(server.Port(), LongPoem, 2);
    }

    [TestMethod]
    [DataRow]
    [DataRow("100", "0.01")]
    public void Get_FromTwisted_IsWhole(params string[] pace)
    {
        using Twisted server = ServeByTwisted(Poem, pace);
        Finished got = Run("get", "--wait", $"{server.Port}", $"{server.Port}", $"localhost:{server.Port}");
        Assert.AreEqual(0, got.ExitCode, got.Errors);
        CollectionAssert.AreEqual(Poem.Concat(Poem).Concat(Poem).ToArray(), got.Bytes);
    }

    [TestMethod]
    [DataRow]
    [DataRow("100", "0.01")]
    public void Proxy_BetweenTwistedAndTwisted_PassesAllAndKeepsIt(params string[] pace)
    {
        NativeBinary proxy;
        using (Twisted server = ServeByTwisted(Poem, pace))
        {
            proxy = Start(new Launch("proxy", $"{server.Port}"));
            AssertTwistedGets(proxy.Port(), Poem, 10);
        }

        AssertTwistedGets(proxy.Port(), Poem, 10);
    }

    [TestMethod]
    public void Get_TransformedByTwisted_IsTransformed()
    {
        using Twisted transforms = Twisted.Serve(Folder.Path, "transform_server.py");
        NativeBinary poems = ServePoem(Poem[..^1]);
        Finished got = Run("get", "--quiet", "--transform", "cummingsify", "--via", $"{transforms.Port}", $"{poems.Port()}");
        Assert.AreEqual(0, got.ExitCode, got.Errors);
        CollectionAssert.AreEqual(Lower, got.Bytes);
    }

    [TestMethod]
    public void TwistedClients_AreTransformed_ByUsAndByTwistedBehindUs()
    {
        _ = Folder.Write("text.txt", Poem.AsSpan(0, Poem.Length - 1));
        NativeBinary own = Start(new Launch("transform"));
        using Twisted transforms = Twisted.Serve(Folder.Path, "transform_server.py");
        NativeBinary between = Start(new Launch("transform", "--upstream", $"{transforms.Port}"));
        foreach (NativeBinary server in new[] { own, between })
        {
            Finished reply = Twisted.Run(Folder.Path, "transform_client.py", $"{server.Port()}", "cummingsify", "text.txt");
            Assert.AreEqual(0, reply.ExitCode, reply.Errors);
            CollectionAssert.AreEqual(Lower, reply.Bytes);
        }

        Assert.AreEqual(1, Twisted.Run(Folder.Path, "transform_client.py", $"{own.Port()}", "nosuch", "text.txt").ExitCode);
    }

    [TestMethod]
    public void Netcat_GetsPoemsAndTransformations()
    {
        string nc = Posix.Tool("nc");
        NativeBinary server = ServePoem(LongPoem);
        Finished got = ToolRun.Run(Folder.Path, "/bin/sh", "-c", $"{nc} -N 127.0.0.1 {server.Port()} </dev/null");
        Assert.IsTrue(LongPoem.AsSpan().SequenceEqual(got.Bytes), $"{got.Bytes.Length} bytes, and {got.Errors}");
        NativeBinary transform = Start(new Launch("transform", "--text-port", "0"));
        got = ToolRun.Run(Folder.Path, "/bin/sh", "-c", $"printf 'cummingsify\\nHELLO\\n' | {nc} -N 127.0.0.1 {transform.Port(1)}");
        Assert.AreEqual("hello\n", Encoding.UTF8.GetString(got.Bytes));
        got = ToolRun.Run(Folder.Path, "/bin/sh", "-c", $"printf '11:shout.hello,' | {nc} 127.0.0.1 {transform.Port()}");
        Assert.AreEqual("5:HELLO,", Encoding.UTF8.GetString(got.Bytes));
    }

    [TestMethod]
    public void Ncat_GetsPoems_AndServesThem()
    {
        string ncat = Posix.Tool("ncat");
        NativeBinary server = ServePoem(LongPoem);
        Finished got = ToolRun.Run(Folder.Path, ncat, "--recv-only", "127.0.0.1", $"{server.Port()}");
        Assert.IsTrue(LongPoem.AsSpan().SequenceEqual(got.Bytes), $"{got.Bytes.Length} bytes, and {got.Errors}");
        using var listener = ToolRun.Start(Folder.Path, ncat, "-lU", "--send-only", Folder["ncat.sock"]);
        listener.StandardInput.BaseStream.Write(Poem);
        listener.StandardInput.Close();
        Finished own = Run("get", "--quiet", "--retry", "6", $"unix:{Folder["ncat.sock"]}");
        Assert.AreEqual(0, own.ExitCode, own.Errors);
        CollectionAssert.AreEqual(Poem, own.Bytes);
        Assert.IsTrue(listener.WaitForExit(Patience.Milliseconds), "ncat did not end");
    }

    /// <summary>The client that speaks first: a server that only closes cuts poems like these.</summary>
    [TestMethod]
    public void Curl_TwoHundredTimes_GetsEveryByte()
    {
        string curl = Posix.Tool("curl");
        NativeBinary server = ServePoem(MakePoem(300_000));
        NativeBinary proxy = Start(new Launch("proxy", $"{server.Port()}"));
        for (int i = 0; i < 100; i++)
        {
            foreach (int port in new[] { server.Port(), proxy.Port() })
            {
                Finished got = ToolRun.Run(Folder.Path, curl, "--http0.9", "-sS", $"http://127.0.0.1:{port}/");
                Assert.AreEqual(0, got.ExitCode, got.Errors);
                Assert.IsTrue(MakePoem(300_000).AsSpan().SequenceEqual(got.Bytes), $"round {i}: {got.Bytes.Length} bytes");
            }
        }
    }

    private Twisted ServeByTwisted(byte[] poem, string[] pace)
    {
        _ = Folder.Write("twisted.txt", poem);
        return Twisted.Serve(Folder.Path, ["poem_server.py", Folder["twisted.txt"], .. pace]);
    }

    private void AssertTwistedGets(int port, byte[] poem, int count)
    {
        Finished got = Twisted.Run(Folder.Path, "poem_client.py", $"{port}", $"{count}");
        Assert.AreEqual(0, got.ExitCode, got.Errors);
        byte[] framed = [.. Encoding.ASCII.GetBytes($"{poem.Length}:"), .. poem, (byte)','];
        Assert.HasCount(framed.Length * count, got.Bytes);
        for (int i = 0; i < count; i++)
        {
            Assert.IsTrue(framed.AsSpan().SequenceEqual(got.Bytes.AsSpan(i * framed.Length, framed.Length)), $"poem {i} is not as it was");
        }
    }
}
