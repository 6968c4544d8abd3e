using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A command of the shared cache, and what its failures are called.</summary>
internal abstract class StoreCommand : RedisCommand
{
    private byte[] _key = [];
    private int _keyLength;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>The failure of the shared cache.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="failure">Of the command.</param>
    public static SharedStoreError Describe(string server, Failure failure) => new($"{server}: {failure.Message}")
    {
        IsRefusal = failure.Exception is RedisError { IsOfServer: false },
    };

    /// <summary>A time as an argument.</summary>
    /// <param name="time">More than zero; <see cref="TimeSpan.MaxValue"/> is 0.</param>
    public static string Milliseconds(TimeSpan time) => time == TimeSpan.MaxValue
        ? "0"
        : Math.Max(1, (long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>Sets the key, in a buffer that is used again.</summary>
    protected void SetKey(string key)
    {
        int length = Encoding.UTF8.GetMaxByteCount(key.Length);
        if (_key.Length < length)
        {
            _key = new byte[length];
        }

        _keyLength = Encoding.UTF8.GetBytes(key, _key);
    }

    /// <summary>The failure of the shared cache.</summary>
    protected Failure Describe(Failure failure) => new(Describe(Route.Node?.Endpoint.ToString() ?? "shared cache", failure));
}

/// <summary>A command of the shared cache that is used once.</summary>
internal abstract class StoreCommand<T> : StoreCommand
{
    protected StoreCommand(string key)
    {
        SetKey(key);
        Name = key;
        Result = Deferred.WithCanceller<StoreCommand<T>, T>(this, static (command, _) => command.Cancel());
    }

    /// <summary>Fires with the result.</summary>
    public Deferred<T> Result { get; }

    /// <summary>The key as text.</summary>
    protected string Name { get; }

    /// <summary>The result, once all replies are here.</summary>
    protected abstract T Value { get; }

    /// <inheritdoc/>
    public override void Ended(Failure? failure)
    {
        if (failure is null)
        {
            Result.Callback(Value);
        }
        else
        {
            Result.Errback(Describe(failure));
        }
    }
}

/// <summary>A command whose reply says only that it was carried out.</summary>
internal sealed class PlainCommand(string key, string[] words) : StoreCommand<Unit>(key)
{
    protected override Unit Value => default;

    protected override void Write(RespWriter writer)
    {
        _ = writer.Begin(words.Length);
        foreach (string word in words)
        {
            _ = writer.Add(word);
        }
    }

    protected override bool Received(in RespToken token, int reply) =>
        token.Kind is RespKind.Text or RespKind.Integer || IsNonsense();
}

/// <summary>A script with the lock of a key, the token and the lease.</summary>
internal sealed class ScriptCommand<T>(string script, string key, string token, Func<bool, T> result) : StoreCommand<T>(key)
{
    private bool _isDone;

    protected override T Value => result(_isDone);

    protected override void Write(RespWriter writer) => _ = writer.Begin(6).Add("EVAL"u8).Add(script).Add(1)
        .Add(SharedNames.LockOf(Name)).Add(token).Add(Milliseconds(SharedNames.Lease));

    protected override bool Received(in RespToken token, int reply)
    {
        _isDone = token.Value == 1;
        return token.Kind == RespKind.Integer || IsNonsense();
    }
}

/// <summary>SET NX and PTTL of a lock.</summary>
internal sealed class LockCommand(string key, string token) : StoreCommand<SharedLock>(key)
{
    private bool _isTaken;
    private long _leftMs;

    protected override int Replies => 2;

    protected override SharedLock Value => _isTaken ? SharedLock.Taken
        : _leftMs == -1 || _leftMs > SharedNames.Lease.TotalMilliseconds ? SharedLock.Invalid
        : SharedLock.Held;

    protected override void Write(RespWriter writer)
    {
        string name = SharedNames.LockOf(Name);
        _ = writer.Begin(6).Add("SET"u8).Add(name).Add(token).Add("NX"u8).Add("PX"u8).Add(Milliseconds(SharedNames.Lease));
        _ = writer.Begin(2).Add("PTTL"u8).Add(name);
    }

    protected override bool Received(in RespToken token, int reply)
    {
        if (reply == 0)
        {
            _isTaken = token.Kind == RespKind.Text;
            return token.Kind is RespKind.Text or RespKind.Null || IsNonsense();
        }

        _leftMs = token.Value;
        return token.Kind == RespKind.Integer || IsNonsense();
    }
}

/// <summary>Stores a poem: the script, and the poem from where it is.</summary>
internal sealed class PutCommand(string key, string token, PoemBuffer poem, TimeSpan lifetime) : StoreCommand<bool>(key)
{
    private bool _isStored;

    /// <inheritdoc/>
    public override bool IsAlone => true;

    /// <inheritdoc/>
    public override long ValueBytes => poem.Length;

    protected override bool Value => _isStored;

    protected override void WriteTo(ITransport transport, RespWriter writer)
    {
        _ = writer.Begin(8).Add("EVAL"u8).Add(RedisScripts.Put).Add(2).Add(Key).Add(SharedNames.LockOf(Name))
            .Add(token).Add(Milliseconds(lifetime));
        writer.BeginArgument(poem.Length);
        bool isShort = poem.Length <= RespWriter.MaxCopiedBytes;
        if (!isShort)
        {
            transport.Write(writer.Written);
            writer.Clear();
        }

        foreach (ReadOnlyMemory<byte> part in poem.Parts)
        {
            if (isShort)
            {
                writer.AddRaw(part.Span);
            }
            else
            {
                transport.Write(part);
            }
        }

        writer.EndArgument();
        transport.Write(writer.Written);
    }

    protected override bool Received(in RespToken token, int reply)
    {
        _isStored = token.Value == 1;
        return token.Kind == RespKind.Integer || IsNonsense();
    }
}

/// <summary>PTTL and GET of a key. Used again: a hit costs no more memory than its deferred.</summary>
/// <param name="spares">It returns there when it has ended.</param>
internal sealed class GetCommand(Stack<GetCommand> spares) : StoreCommand
{
    /// <summary>Chosen: more are left over from a burst.</summary>
    private const int MaxSpares = 16;

    private Deferred<SharedRead>? _result;
    private IPoemReceiver? _receiver;
    private long _leftMs;
    private long _length;
    private bool _isRefused;

    /// <inheritdoc/>
    public override bool IsAlone => true;

    protected override int Replies => 2;

    /// <summary>Prepares it for a key.</summary>
    /// <returns>The result. Cancelling it closes the connection.</returns>
    public Deferred<SharedRead> Begin(string key, IPoemReceiver receiver)
    {
        SetKey(key);
        _receiver = receiver;
        _isRefused = false;
        _result = Deferred.WithCanceller<GetCommand, SharedRead>(this, static (command, _) => command.Cancel());
        return _result;
    }

    /// <inheritdoc/>
    public override void Ended(Failure? failure)
    {
        Deferred<SharedRead> result = _result!;
        bool isMissing = _length < 0 || Refusal?.Code == "WRONGTYPE";
        TimeSpan expiresAt = _leftMs == -1 ? TimeSpan.MaxValue
            : SaturatedTime.Add(SentAt, SaturatedTime.FromMilliseconds(Math.Max(_leftMs, -1)));
        var read = new SharedRead(IsHit: true, _length, expiresAt);
        bool isRefused = _isRefused;
        Failure? described = failure is null || isRefused || Refusal?.Code == "WRONGTYPE" ? null : Describe(failure);
        _result = null;
        _receiver = null;
        if (spares.Count < MaxSpares)
        {
            spares.Push(this);
        }

        if (described is not null)
        {
            result.Errback(described);
        }
        else
        {
            result.Callback(isRefused ? SharedRead.Refused : isMissing ? SharedRead.Missing : read);
        }
    }

    protected override void Write(RespWriter writer)
    {
        _ = writer.Begin(2).Add("PTTL"u8).Add(Key);
        _ = writer.Begin(2).Add("GET"u8).Add(Key);
    }

    protected override bool Received(in RespToken token, int reply)
    {
        if (reply == 0)
        {
            _leftMs = token.Value;
            return token.Kind == RespKind.Integer || IsNonsense();
        }

        switch (token.Kind)
        {
            case RespKind.BulkStart:
                _length = token.Value;
                _receiver!.Connected(this);
                _receiver.Announced(token.Value);
                return true;
            case RespKind.BulkData:
                _isRefused = !TryPass(token.Bytes);
                return !_isRefused;
            default:
                return token.Kind is RespKind.BulkEnd or RespKind.Null || IsNonsense();
        }
    }

    protected override void Restarted() => _length = -1;

    private bool TryPass(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return _receiver!.Received(bytes);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
