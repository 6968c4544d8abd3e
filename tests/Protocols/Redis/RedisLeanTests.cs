using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// What a hit in the shared cache costs in managed memory: nothing for the bytes that stream, and nothing for the connection,
/// the codec, the timeout and the command. Measured on the loop's thread, against a real server.
/// </summary>
[TestClass]
[DoNotParallelize]
public sealed class RedisLeanTests
{
    private const string Key = "test:{plain:-:host:10001}";
    private const int Hits = 300;
    private const int MaxPasses = 4;

    /// <summary>The deferred with its canceller and its place for callbacks; what a caller adds to it is its own.</summary>
    private const int MaxBytesPerRead = 200;

    [TestMethod]
    [DataRow(600)]
    [DataRow(3_000)]
    [DataRow(1_000_000)]
    public void Hit_AllocatesNothing_WhateverItsLength(int length)
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisClient client = world.Client(server.Address);
        _ = server.Run("SET", "key", new string('x', length));
        var command = new CountingCommand();
        void Read()
        {
            for (int i = 0; i < Hits; i++)
            {
                command.HasEnded = false;
                client.Begin(command);
                while (!command.HasEnded)
                {
                    world.Loop.Reactor.Turn(1000);
                }
            }
        }

        Assert.AreEqual(0, LeastOf(Read), $"bytes for {Hits} hits");
        Assert.IsNull(command.Failure);
        Assert.AreEqual(0, command.Bytes % length);
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    [DataRow(600)]
    [DataRow(1_000_000)]
    public void Read_OfTheStore_AllocatesItsDeferred_WhateverItsLength(int length)
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        _ = server.Run("SET", Key, new string('x', length));
        var receiver = new CountingReceiver();
        void Read()
        {
            for (int i = 0; i < Hits; i++)
            {
                Deferred<SharedRead> reading = store.Get(Key, receiver);
                while (!reading.Called)
                {
                    world.Loop.Reactor.Turn(1000);
                }
            }
        }

        Assert.IsLessThanOrEqualTo(Hits * MaxBytesPerRead, LeastOf(Read), $"bytes for {Hits} hits");
        Assert.AreEqual(0, receiver.Bytes % length);
        store.Close();
        world.AssertEnded();
    }

    /// <summary>What is allocated for each hit is so in every pass; a list that grows once is not.</summary>
    private static long LeastOf(Action pass)
    {
        pass();
        long least = long.MaxValue;
        for (int i = 0; i < MaxPasses && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            pass();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private sealed class CountingReceiver : IPoemReceiver
    {
        public long Bytes { get; private set; }

        public bool Received(ReadOnlySpan<byte> bytes)
        {
            Bytes += bytes.Length;
            return true;
        }
    }

    /// <summary>PTTL and GET, as the store sends them.</summary>
    private sealed class CountingCommand : RedisCommand
    {
        private static readonly byte[] s_key = Encoding.ASCII.GetBytes("key");

        public bool HasEnded { get; set; }

        public long Bytes { get; private set; }

        public Failure? Failure { get; private set; }

        public override ReadOnlySpan<byte> Key => s_key;

        public override bool IsAlone => true;

        protected override int Replies => 2;

        public override void Ended(Failure? failure)
        {
            Failure ??= failure;
            HasEnded = true;
        }

        protected override void Write(RespWriter writer)
        {
            _ = writer.Begin(2).Add("PTTL"u8).Add(Key);
            _ = writer.Begin(2).Add("GET"u8).Add(Key);
        }

        protected override bool Received(in RespToken token, int index)
        {
            Bytes += token.Bytes.Length;
            return true;
        }
    }
}
