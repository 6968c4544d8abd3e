using System;
using System.Collections.Generic;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A command of a program: what is typed, and a deferred for the reply.</summary>
internal abstract class TypedCommand(ReadOnlyMemory<byte>[] words) : RedisCommand
{
    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Key
    {
        get
        {
            bool isScript = words[0].Length >= 4 && Ascii(words[0].Span, "EVAL"u8);
            int index = isScript ? 3 : 1;
            return words.Length > index ? words[index].Span : default;
        }
    }

    /// <inheritdoc/>
    protected override void WriteTo(ITransport transport, RespWriter writer)
    {
        _ = writer.Begin(words.Length);
        foreach (ReadOnlyMemory<byte> word in words)
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

        transport.Write(writer.Written);
    }

    private static bool Ascii(ReadOnlySpan<byte> word, ReadOnlySpan<byte> start) =>
        System.Text.Ascii.EqualsIgnoreCase(word[..start.Length], start);
}

/// <summary>A command whose reply is kept whole.</summary>
internal sealed class RedisRequest : TypedCommand
{
    private readonly RedisReplyBuilder _reply;

    public RedisRequest(ReadOnlyMemory<byte>[] words, long maxBytes)
        : base(words)
    {
        _reply = new RedisReplyBuilder(maxBytes);
        Reply = Deferred.WithCanceller<RedisRequest, RedisReply>(this, static (request, _) => request.Cancel());
    }

    /// <summary>Fires with the reply.</summary>
    public Deferred<RedisReply> Reply { get; }

    /// <inheritdoc/>
    public override void Ended(Failure? failure)
    {
        if (_reply.IsTooLong)
        {
            Reply.Errback(new Failure(new RedisError("the reply is too long")));
        }
        else if (failure is not null)
        {
            Reply.Errback(failure);
        }
        else
        {
            Reply.Callback(_reply.Take());
        }
    }

    /// <inheritdoc/>
    protected override bool Received(in RespToken token, int reply) => _reply.Add(token);

    /// <inheritdoc/>
    protected override void Restarted() => _reply.Clear();
}

/// <summary>A command whose reply, a bulk string, is passed on as it arrives.</summary>
internal sealed class RedisStream : TypedCommand
{
    private readonly IRedisReceiver _receiver;
    private long _length = -1;

    public RedisStream(IRedisReceiver receiver, ReadOnlyMemory<byte>[] words)
        : base(words)
    {
        _receiver = receiver;
        Length = Deferred.WithCanceller<RedisStream, long>(this, static (stream, _) => stream.Cancel());
    }

    /// <inheritdoc/>
    public override bool IsAlone => true;

    /// <summary>Fires with the length.</summary>
    public Deferred<long> Length { get; }

    /// <inheritdoc/>
    public override void Ended(Failure? failure)
    {
        if (failure is not null)
        {
            Length.Errback(failure);
        }
        else
        {
            Length.Callback(_length);
        }
    }

    /// <inheritdoc/>
    protected override bool Received(in RespToken token, int reply)
    {
        switch (token.Kind)
        {
            case RespKind.BulkStart when _length < 0:
                _length = token.Value;
                _receiver.Started(token.Value, this);
                return true;
            case RespKind.BulkData:
                return _receiver.Received(token.Bytes);
            default:
                return true;
        }
    }

    /// <inheritdoc/>
    protected override void Restarted() => _length = -1;
}

/// <summary>Makes a reply of its pieces.</summary>
/// <param name="maxBytes">The most bytes of strings and elements.</param>
internal sealed class RedisReplyBuilder(long maxBytes)
{
    /// <summary>What an element costs, whatever is in it: an object, and its place in a list.</summary>
    private const int BytesPerElement = 64;

    private readonly Stack<(RedisReply[] Elements, int Count)> _open = [];
    private byte[] _bulk = [];
    private int _bulkLength;
    private long _total;
    private RedisReply? _result;

    /// <summary>True if the limit was passed.</summary>
    public bool IsTooLong => _total > maxBytes;

    /// <summary>Adds a piece.</summary>
    /// <returns>False if it is too long.</returns>
    public bool Add(in RespToken token)
    {
        _total += token.Kind is RespKind.BulkStart ? token.Value
            : token.Kind is RespKind.Array ? token.Value * BytesPerElement
            : token.Kind is RespKind.Text ? token.Bytes.Length
            : 0;
        if (IsTooLong || _total > Array.MaxLength)
        {
            _total = long.MaxValue;
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
                Close(new RedisReply(RedisReplyKind.Bulk, 0, _bulk, null));
                break;
            case RespKind.Array when token.Value > 0:
                _open.Push((new RedisReply[token.Value], 0));
                break;
            case RespKind.Array:
                Close(new RedisReply(RedisReplyKind.Array, 0, default, null));
                break;
            case RespKind.Integer:
                Close(new RedisReply(RedisReplyKind.Number, token.Value, default, null));
                break;
            case RespKind.Text:
                Close(new RedisReply(RedisReplyKind.Text, 0, token.Bytes.ToArray(), null));
                break;
            default:
                Close(new RedisReply(RedisReplyKind.Null, 0, default, null));
                break;
        }

        return true;
    }

    /// <summary>Gives the reply and begins anew.</summary>
    public RedisReply Take()
    {
        RedisReply result = _result!;
        Clear();
        return result;
    }

    /// <summary>Begins anew.</summary>
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

            reply = new RedisReply(RedisReplyKind.Array, 0, default, array.Elements);
        }

        _result = reply;
    }
}
