using System.Buffers;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>A reactor that the test turns, and clients of Redis on it.</summary>
internal sealed class RedisWorld : IDisposable
{
    /// <summary>Long enough for a busy machine; tests of the timeout set a shorter one.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    public static readonly SharedNames Names = new("test");

    public TurnedReactor Loop { get; } = new(Backends.Open("select"));

    public GuardedMemory Memory { get; } = new();

    public RedisStore Store(string address, TimeSpan? timeout = null, string? password = null) =>
        new(Loop.Reactor, Parse(address, password), timeout ?? Timeout, Names);

    public RedisClient Client(string address, TimeSpan? timeout = null, string? password = null) =>
        new(Loop.Reactor, Parse(address, password), timeout ?? Timeout);

    public static RedisAddress Parse(string address, string? password = null)
    {
        Assert.IsTrue(RedisAddress.TryParse(address, out RedisAddress? parsed, out string? problem, password), problem);
        return parsed;
    }

    /// <summary>Turns until the deferred has fired.</summary>
    /// <returns>Its value. What it failed with is thrown.</returns>
    public T Wait<T>(Deferred<T> deferred)
    {
        Outcome<T>? result = null;
        _ = deferred.AddBoth(outcome =>
        {
            result = outcome;
            return new Outcome<T>(default(T)!);
        });
        Loop.Until(() => result is not null, "the deferred");
        result!.Value.Failure?.Throw();
        return result.Value.Value;
    }

    /// <summary>A complete poem.</summary>
    public PoemBuffer Poem(byte[] bytes, int chunkBytes = 64 * 1024)
    {
        var poem = new PoemBuffer(Memory, new ProxyCache(long.MaxValue), chunkBytes);
        poem.Append(bytes);
        poem.Complete();
        return poem;
    }

    /// <summary>Turns until all connections have ended, and checks that nothing was thrown.</summary>
    public void AssertEnded()
    {
        Loop.Until(() => Loop.Reactor.Connections.Count == 0, "the end of the connections");
        Assert.IsEmpty(Loop.Log.Exceptions);
        Assert.AreEqual(0, Memory.BytesAlive);
    }

    public void Dispose()
    {
        Loop.Dispose();
        Memory.Dispose();
    }
}

/// <summary>Receives a value, and may pause the server or refuse.</summary>
internal sealed class ValueReceiver : IPoemReceiver, IRedisReceiver
{
    public ArrayBufferWriter<byte> Bytes { get; } = new();

    public string Text => Encoding.Latin1.GetString(Bytes.WrittenSpan);

    public long Announced { get; private set; } = -1;

    public IProducer? Producer { get; private set; }

    /// <summary>Refuses what comes after so many bytes.</summary>
    public long MaxBytes { get; init; } = long.MaxValue;

    /// <summary>Called with each piece.</summary>
    public Action<ValueReceiver>? OnBytes { get; set; }

    public bool Received(ReadOnlySpan<byte> bytes)
    {
        Bytes.Write(bytes);
        OnBytes?.Invoke(this);
        return Bytes.WrittenCount <= MaxBytes;
    }

    void IPoemReceiver.Connected(IProducer upstream) => Producer = upstream;

    void IPoemReceiver.Announced(long length) => Announced = length;

    void IRedisReceiver.Started(long length, IProducer producer)
    {
        Announced = length;
        Producer = producer;
    }
}
