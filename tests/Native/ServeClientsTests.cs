using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry serve and the clients it will meet: many, silent, talkative, half gone and gone; on every backend.</summary>
[TestClass]
public sealed class ServeClientsTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    /// <summary>More than any socket takes before its owner reads.</summary>
    private static readonly byte[] Speech = MakePoem(300 * 1024);

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Serve_OnABackend_ShortAndLongPoemsComeWhole(string backend)
    {
        NativeBinary server = ServeOn(backend, LongPoem);
        for (int i = 0; i < 3; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(LongPoem);
        }

        using Socket slow = Wire.Connect(server.Port(), SmallBufferBytes);
        using Socket other = Wire.Connect(server.Port());
        Wire.ReadToEnd(other).AssertIs(LongPoem);
        Wire.ReadToEnd(slow).AssertIs(LongPoem);
    }

    [TestMethod]
    public void Serve_AnUnknownBackend_IsRefused()
    {
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run(new Launch("serve", "poem.txt") { Environment = { ["POETRY_REACTOR"] = "nosuch" } });
        Assert.IsTrue(finished.ExitCode is 1 or 2, $"exit code {finished.ExitCode}");
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.Contains("nosuch", finished.Errors);
    }

    [TestMethod]
    public void Serve_TwoThousandClientsAtOnce_EachGetsThePoem()
    {
        byte[] poem = MakePoem(3000);
        NativeBinary server = ServePoem(poem);
        int before = server.DescriptorCount;
        var clients = new List<Socket>();
        try
        {
            for (int i = 0; i < 2000; i++)
            {
                clients.Add(Wire.Connect(server.Port()));
            }

            for (int i = 0; i < clients.Count; i++)
            {
                Wire.ReadToEnd(clients[i]).AssertIs(poem, $"client {i}");
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        AssertDescriptorsReturn(server, before);
    }

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Serve_AClientThatSpeaksFirst_GetsEveryByteAndACleanEnd(string backend)
    {
        NativeBinary server = ServeOn(backend, Poem);
        using Socket client = Wire.Connect(server.Port());
        SendAll(client, Speech);
        Wire.ReadToEnd(client).AssertIs(Poem);
    }

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Serve_AClientThatSpeaksWhileItReads_GetsEveryByteAndACleanEnd(string backend)
    {
        NativeBinary server = ServeOn(backend, LongPoem);
        using Socket client = Wire.Connect(server.Port());
        var speaker = new Thread(() => SendAll(client, Speech));
        speaker.Start();
        Delivery delivery = Wire.ReadToEnd(client);
        speaker.Join();
        delivery.AssertIs(LongPoem);
    }

    [TestMethod]
    public void Serve_AClientThatSpeaksAfterTheLastByte_StillSeesACleanEnd()
    {
        NativeBinary server = ServePoem(Poem);
        using Socket client = Wire.Connect(server.Port());
        byte[] poem = Wire.ReadExactly(client, Poem.Length);
        SendAll(client, Speech);
        Assert.IsTrue(poem.AsSpan().SequenceEqual(Poem));
        Wire.ReadToEnd(client).AssertIs([]);
    }

    [TestMethod]
    public void Serve_AThousandCurls_AllEndCleanly()
    {
        byte[] poem = MakePoem(3000);
        byte[] request = "GET / HTTP/1.1\r\nHost: poetry\r\n\r\n"u8.ToArray();
        NativeBinary server = ServePoem(poem);
        for (int i = 0; i < 1000; i++)
        {
            using Socket client = Wire.Connect(server.Port());
            SendAll(client, request);
            Wire.ReadToEnd(client).AssertIs(poem, $"client {i}");
        }
    }

    [TestMethod]
    [DataRow("epoll")]
    [DataRow("select")]
    public void Serve_AClientThatHalfClosesFirst_HasNotHungUp(string backend)
    {
        NativeBinary server = ServeOn(backend, LongPoem);
        using Socket client = Wire.Connect(server.Port());
        client.Shutdown(SocketShutdown.Send);
        Wire.ReadToEnd(client).AssertIs(LongPoem);
    }

    [TestMethod]
    public void Serve_ClientsThatReset_CostNothingAndHarmNobody()
    {
        NativeBinary server = ServePoem(LongPoem);
        int before = server.DescriptorCount;
        using Socket patient = Wire.Connect(server.Port());
        for (int i = 0; i < 200; i++)
        {
            Socket client = Wire.Connect(server.Port(), SmallBufferBytes);
            _ = Wire.ReadExactly(client, 1);
            Wire.Reset(client);
        }

        Wire.ReadToEnd(patient).AssertIs(LongPoem);
        patient.Dispose();
        AssertDescriptorsReturn(server, before);
    }

    [TestMethod]
    public void Serve_ConnectionsGoneBeforeTheyAreAccepted_HarmNobody()
    {
        NativeBinary server = ServePoem(Poem);
        for (int i = 0; i < 500; i++)
        {
            Wire.Reset(Wire.Connect(server.Port()));
        }

        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Serve_AClientThatNeverReads_IsResetAfterTheSendTimeout()
    {
        NativeBinary server = ServePoem(LongPoem, "--send-timeout", "1");
        using Socket stuck = Wire.Connect(server.Port(), SmallBufferBytes);
        Wire.Fetch(server.Port()).AssertIs(LongPoem);
        Wire.WaitForReset(stuck);
        Delivery delivery = Wire.ReadToEnd(stuck);
        Assert.IsTrue(delivery.WasReset, "a poem that is not whole ended cleanly");
        Assert.IsLessThan(LongPoem.Length, delivery.Bytes.Length);
    }

    [TestMethod]
    public void Serve_OverMaxConnections_NewClientsWaitForTheirTurn()
    {
        NativeBinary server = ServePoem(LongPoem, "--max-connections", "2");
        using Socket first = Wire.Connect(server.Port(), SmallBufferBytes);
        using Socket second = Wire.Connect(server.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(first, 1);
        _ = Wire.ReadExactly(second, 1);
        using Socket third = Wire.Connect(server.Port());
        Wire.Reset(first);
        Wire.ReadToEnd(third).AssertIs(LongPoem);
    }

    /// <summary>
    /// No limit of its own, and fewer descriptors than clients: those it could take are served, it says so in a few lines
    /// however often accept fails, and when descriptors are free again all is as before.
    /// </summary>
    [TestMethod]
    [DataRow("0")]
    [DataRow(null)]
    public void Serve_OutOfDescriptors_GoesOnWhenThereAreSomeAgain(string? maxConnections)
    {
        _ = Folder.Write("poem.txt", LongPoem);
        string[] limit = maxConnections is null ? [] : ["--max-connections", maxConnections];
        NativeBinary server = Serve(new Launch([.. limit, "--log-level", "warn", "poem.txt"]) { Before = "ulimit -n 128;" });
        var held = new List<Socket>();
        try
        {
            for (int i = 0; i < 300; i++)
            {
                held.Add(Wire.Connect(server.Port(), SmallBufferBytes));
            }

            for (int i = 0; i < 16; i++)
            {
                _ = Wire.ReadExactly(held[i], 1);
            }
        }
        finally
        {
            held.ForEach(Wire.Reset);
        }

        FetchSoon(server).AssertIs(LongPoem);
        server.Signal(Posix.SIGTERM);
        Finished finished = server.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.IsLessThan(20, finished.ErrorLines.Length, finished.Errors);
    }

    /// <summary>A server that sheds load by resets may do so until it has seen the others leave.</summary>
    private static Delivery FetchSoon(NativeBinary server)
    {
        Delivery delivery = Wire.Fetch(server.Port());
        for (int attempt = 0; attempt < 100 && delivery.WasReset; attempt++)
        {
            delivery = Wire.Fetch(server.Port());
        }

        return delivery;
    }

    private NativeBinary ServeOn(string backend, byte[] poem)
    {
        _ = Folder.Write("poem.txt", poem);
        return Serve(new Launch("poem.txt") { Environment = { ["POETRY_REACTOR"] = backend } });
    }

    private static void SendAll(Socket client, byte[] bytes)
    {
        for (int at = 0; at < bytes.Length;)
        {
            at += client.Send(bytes.AsSpan(at), SocketFlags.None);
        }
    }

    /// <summary>All clients have closed, so that the server sees their ends in order: a last client comes after them all.</summary>
    private static void AssertDescriptorsReturn(NativeBinary server, int before)
    {
        // The server looks at a connection a few milliseconds after its end: there is nothing to be told by, but the count.
        bool returned = SpinWait.SpinUntil(() => server.DescriptorCount <= before + 1, TimeSpan.FromSeconds(20));
        Assert.IsTrue(returned, "descriptors of clients that left are still open");
    }
}
