using System;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A subscription to one channel. It has a connection of its own, which is pinged so that its loss is noticed.</summary>
public sealed class RedisSubscription
{
    /// <summary>How often the server is pinged.</summary>
    internal static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);

    /// <summary>Chosen: the longest message that is passed on; a longer one ends the subscription.</summary>
    private const int MaxMessageBytes = 1024 * 1024;

    private readonly Action<ReadOnlyMemory<byte>> _received;
    private readonly Action<Failure>? _ended;
    private readonly DelayedCall _ping;
    private bool _isConfirmed;
    private bool _isOver;

    internal RedisSubscription(
        RedisClient client, string channel, Action<ReadOnlyMemory<byte>> received, Action<Failure>? ended)
    {
        _received = received;
        _ended = ended;
        Confirmed = Deferred.WithCanceller<RedisSubscription, RedisSubscription>(
            this, static (subscription, _) => subscription.Unsubscribe());
        Command = new SubscribeCommand(this, Encoding.UTF8.GetBytes(channel));
        _ping = client.Reactor.CallLater(TimeSpan.MaxValue, this, static subscription => subscription.Ping());
        _ = _ping.CancelIfActive();
    }

    internal Deferred<RedisSubscription> Confirmed { get; }

    internal RedisCommand Command { get; }

    /// <summary>Ends it. It is no more told of anything.</summary>
    public void Unsubscribe()
    {
        _isOver = true;
        _ = _ping.CancelIfActive();
        Command.Cancel();
    }

    /// <summary>Asks the server for a sign of life.</summary>
    internal void Ping()
    {
        ((SubscribeCommand)Command).Ping();
        _ping.Rearm(PingInterval);
    }

    private void OnConfirmed()
    {
        _isConfirmed = true;
        _ping.Rearm(PingInterval);
        Confirmed.Callback(this);
    }

    private void OnEnded(Failure failure)
    {
        _ = _ping.CancelIfActive();
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        if (!_isConfirmed)
        {
            Confirmed.Errback(failure);
        }
        else
        {
            _ended?.Invoke(failure);
        }
    }

    /// <summary>SUBSCRIBE, and all that follows: it ends only with its connection.</summary>
    private sealed class SubscribeCommand(RedisSubscription subscription, byte[] channel) : RedisCommand
    {
        private readonly RedisReplyBuilder _reply = new(MaxMessageBytes);
        private bool _awaitsReply = true;

        public override bool IsAlone => true;

        public override bool AwaitsReply => _awaitsReply;

        protected override int Replies => 0;

        public void Ping()
        {
            if (!_awaitsReply)
            {
                _awaitsReply = true;
                Connection?.SendMore("*1\r\n$4\r\nPING\r\n"u8);
            }
        }

        public override void Ended(Failure? failure) => subscription.OnEnded(failure!);

        protected override void Write(RespWriter writer) => _ = writer.Begin(2).Add("SUBSCRIBE"u8).Add(channel);

        protected override bool Received(in RespToken token, int reply)
        {
            if (!_reply.Add(token))
            {
                return IsNonsense();
            }

            if (!token.EndsReply)
            {
                return true;
            }

            RedisReply message = _reply.Take();
            switch (message.Elements.Count > 0 ? message.Elements[0].Text : string.Empty)
            {
                case "message" when message.Elements.Count == 3:
                    subscription._received(message.Elements[2].Bytes);
                    return true;
                case "subscribe" when !subscription._isConfirmed:
                    _awaitsReply = false;
                    subscription.OnConfirmed();
                    return true;
                case "pong":
                    _awaitsReply = false;
                    return true;
                default:
                    return IsNonsense();
            }
        }

        protected override void Restarted()
        {
            _awaitsReply = true;
            _reply.Clear();
        }
    }
}
