using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A command of the shared cache with one short reply: a number; OK is 1 and null is 0.</summary>
/// <param name="reply">The expected kind of reply.</param>
/// <param name="words">The command's name and arguments.</param>
internal class ShortCommand(RespKind reply, params string[] words) : RedisRequest<long>(RedisClient.Encode(words))
{
    private long _value;

    protected override long Value => _value;

    protected override bool Received(in RespToken token, int index)
    {
        _value = token.Kind == RespKind.Text ? 1 : token.Value;
        return token.Kind == reply || (token.Kind == RespKind.Null && reply == RespKind.Text) || IsNonsense();
    }

    protected override Failure Describe(Failure failure) => RedisStore.Describe(this, failure);
}

/// <summary>Stores a poem: sends the script, and then the poem, without a copy if it is long.</summary>
internal sealed class PutCommand(PoemBuffer poem, params string[] words) : ShortCommand(RespKind.Integer, words)
{
    public override bool IsAlone => true;

    public override long ValueBytes => poem.Length;

    protected override void WriteTo(ITransport transport, RespWriter writer)
    {
        WriteWords(transport, writer, more: 1);
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
}

/// <summary>PTTL and GET of a key. Commands are reused: a hit allocates only its deferred.</summary>
/// <param name="spares">The unused commands, to which it returns when it has ended.</param>
internal sealed class GetCommand(Stack<GetCommand> spares) : RedisCommand
{
    /// <summary>Chosen: more are needed only in a burst.</summary>
    private const int MaxSpares = 16;

    private byte[] _key = [];
    private int _keyLength;
    private Deferred<SharedRead>? _result;
    private IPoemReceiver? _receiver;
    private long _leftMs;
    private long _length;

    public override ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    public override bool IsAlone => true;

    protected override int Replies => 2;

    /// <summary>Prepares it for a key.</summary>
    /// <returns>The result. Cancelling it closes the connection.</returns>
    public Deferred<SharedRead> Begin(string key, IPoemReceiver receiver)
    {
        int length = Encoding.UTF8.GetMaxByteCount(key.Length);
        _key = _key.Length < length ? new byte[length] : _key;
        _keyLength = Encoding.UTF8.GetBytes(key, _key);
        _receiver = receiver;
        _result = Deferred.WithCanceller<GetCommand, SharedRead>(this, static (command, _) => command.Cancel());
        return _result;
    }

    public override void Ended(Failure? failure)
    {
        // If the receiver refuses bytes, the connection is aborted, and the failure is a CancelledError.
        bool isMiss = failure is null ? _length < 0 : failure.Check<CancelledError>() || Refusal?.Code == "WRONGTYPE";
        Failure? described = isMiss || failure is null ? null : RedisStore.Describe(this, failure);
        TimeSpan expiresAt = _leftMs == -1 ? TimeSpan.MaxValue
            : SaturatedTime.Add(SentAt, SaturatedTime.FromMilliseconds(Math.Max(_leftMs, -1)));
        SharedRead read = isMiss ? SharedRead.Missing : new SharedRead(IsHit: true, _length, expiresAt);
        Deferred<SharedRead> result = _result!;
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
            result.Callback(read);
        }
    }

    protected override void Write(RespWriter writer)
    {
        _ = writer.Begin(2).Add("PTTL"u8).Add(Key);
        _ = writer.Begin(2).Add("GET"u8).Add(Key);
    }

    protected override bool Received(in RespToken token, int index)
    {
        if (index == 0)
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
                return _receiver!.Received(token.Bytes);
            default:
                return token.Kind is RespKind.BulkEnd or RespKind.Null || IsNonsense();
        }
    }

    protected override void Restarted() => _length = -1;
}
