using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A command that is used once. It has the words of the caller, and a deferred for its result.</summary>
internal abstract class RedisRequest<T> : RedisCommand
{
    private readonly ReadOnlyMemory<byte>[] _words;

    protected RedisRequest(ReadOnlyMemory<byte>[] words)
    {
        _words = words;
        Result = Deferred.WithCanceller<RedisRequest<T>, T>(this, static (command, _) => command.Cancel());
    }

    public Deferred<T> Result { get; }

    public override ReadOnlySpan<byte> Key
    {
        get
        {
            ReadOnlySpan<byte> name = _words[0].Span;
            int index = name.Length >= 4 && Ascii.EqualsIgnoreCase(name[..4], "EVAL"u8) ? 3 : 1;
            return _words.Length > index ? _words[index].Span : default;
        }
    }

    /// <summary>The result, when all replies have arrived.</summary>
    protected abstract T Value { get; }

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

    protected virtual Failure Describe(Failure failure) => failure;

    protected override void WriteTo(ITransport transport, RespWriter writer)
    {
        WriteWords(transport, writer, more: 0);
        transport.Write(writer.Written);
    }

    /// <summary>Writes the words. The caller then writes <paramref name="more"/> arguments.</summary>
    protected void WriteWords(ITransport transport, RespWriter writer, int more)
    {
        _ = writer.Begin(_words.Length + more);
        foreach (ReadOnlyMemory<byte> word in _words)
        {
            writer.BeginArgument(word.Length);
            if (word.Length <= RespWriter.MaxCopiedBytes)
            {
                writer.AddRaw(word.Span);
            }
            else
            {
                transport.Write(writer.Written);
                transport.Write(word.Span);
                writer.Clear();
            }

            writer.EndArgument();
        }
    }
}

/// <summary>A command whose complete reply is kept in memory.</summary>
internal sealed class RedisRequest(ReadOnlyMemory<byte>[] words, long maxBytes) : RedisRequest<RedisReply>(words)
{
    private readonly RedisReplyBuilder _reply = new(maxBytes);

    protected override RedisReply Value => _reply.Take();

    protected override bool Received(in RespToken token, int index) =>
        _reply.Add(token) || Refuse(new RedisError("a reply is too long") { IsOfServer = false });

    protected override void Restarted() => _reply.Clear();
}

/// <summary>A command whose reply, a bulk string, is passed on as it arrives.</summary>
internal sealed class RedisStream(IRedisReceiver receiver, ReadOnlyMemory<byte>[] words) : RedisRequest<long>(words)
{
    private long _length = -1;

    public override bool IsAlone => true;

    protected override long Value => _length;

    protected override bool Received(in RespToken token, int index)
    {
        switch (token.Kind)
        {
            case RespKind.BulkStart when _length < 0:
                _length = token.Value;
                receiver.Started(token.Value, this);
                return true;
            case RespKind.BulkData:
                return receiver.Received(token.Bytes);
            default:
                return true;
        }
    }

    protected override void Restarted() => _length = -1;
}

/// <summary>Builds a reply from its pieces.</summary>
/// <param name="maxBytes">The maximum bytes of strings and elements.</param>
internal sealed class RedisReplyBuilder(long maxBytes)
{
    /// <summary>The cost of an element without its content: an object, and its place in an array.</summary>
    private const int BytesPerElement = 64;

    private readonly Stack<(RedisReply[] Elements, int Count)> _open = [];
    private byte[] _bulk = [];
    private int _bulkLength;
    private long _total;
    private RedisReply? _result;

    /// <returns>False if the reply is too long.</returns>
    public bool Add(in RespToken token)
    {
        _total += token.Kind switch
        {
            RespKind.BulkStart => token.Value,
            RespKind.Array => token.Value * BytesPerElement,
            RespKind.Text => token.Bytes.Length,
            _ => 0,
        };
        if (_total > Math.Min(maxBytes, Array.MaxLength))
        {
            return false;
        }

        switch (token.Kind)
        {
            case RespKind.BulkStart:
                _bulk = new byte[token.Value];
                _bulkLength = 0;
                break;
            case RespKind.BulkData:
                token.Bytes.CopyTo(_bulk.AsSpan(_bulkLength));
                _bulkLength += token.Bytes.Length;
                break;
            case RespKind.BulkEnd:
                Close(new RedisReply(RedisReplyKind.Bulk) { Bytes = _bulk });
                break;
            case RespKind.Array when token.Value > 0:
                _open.Push((new RedisReply[token.Value], 0));
                break;
            case RespKind.Array:
                Close(new RedisReply(RedisReplyKind.Array));
                break;
            case RespKind.Integer:
                Close(new RedisReply(RedisReplyKind.Number) { Number = token.Value });
                break;
            case RespKind.Text:
                Close(new RedisReply(RedisReplyKind.Text) { Bytes = token.Bytes.ToArray() });
                break;
            default:
                Close(new RedisReply(RedisReplyKind.Null));
                break;
        }

        return true;
    }

    /// <summary>Returns the reply, and clears the builder.</summary>
    public RedisReply Take()
    {
        RedisReply result = _result!;
        Clear();
        return result;
    }

    public void Clear()
    {
        _open.Clear();
        _result = null;
        _total = 0;
        _bulk = [];
    }

    private void Close(RedisReply reply)
    {
        while (_open.TryPop(out (RedisReply[] Elements, int Count) array))
        {
            array.Elements[array.Count++] = reply;
            if (array.Count < array.Elements.Length)
            {
                _open.Push(array);
                return;
            }

            reply = new RedisReply(RedisReplyKind.Array) { Elements = array.Elements };
        }

        _result = reply;
    }
}
