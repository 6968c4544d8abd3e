using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A subscription to one channel, over its own connection, which is pinged so that its loss is noticed.</summary>
public sealed class RedisSubscription
{
    internal static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);

    /// <summary>The longest message that is passed on; a longer one ends the subscription. Chosen.</summary>
    private const int MaxMessageBytes = 1024 * 1024;

    private readonly Action<ReadOnlyMemory<byte>> _received;
    private readonly Action<Failure>? _ended;
    private readonly SubscribeCommand _command;
    private readonly DelayedCall _ping;

    internal RedisSubscription(
        RedisClient client, string channel, Action<ReadOnlyMemory<byte>> received, Action<Failure>? ended)
    {
        _received = received;
        _ended = ended;
        Confirmed = Deferred.WithCanceller<RedisSubscription, RedisSubscription>(
            this, static (subscription, _) => subscription.Unsubscribe());
        _ping = client.Reactor.Timers.Create(this, static subscription => subscription.Ping());
        _command = new SubscribeCommand(this, Encoding.UTF8.GetBytes(channel));
        client.Begin(_command);
    }

    internal Deferred<RedisSubscription> Confirmed { get; }

    /// <summary>Ends the subscription. Its callbacks are not called any more.</summary>
    public void Unsubscribe()
    {
        _ = _ping.CancelIfActive();
        _command.Cancel();
    }

    /// <summary>Sends a PING, and starts the timer for the next one.</summary>
    internal void Ping()
    {
        _command.Ping();
        _ping.Rearm(PingInterval);
    }

    /// <summary>SUBSCRIBE and the messages that follow. The command ends only with its connection.</summary>
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

        public override void Ended(Failure? failure)
        {
            _ = subscription._ping.CancelIfActive();
            if (!subscription.Confirmed.Called)
            {
                subscription.Confirmed.Errback(failure!);
            }
            else
            {
                subscription._ended?.Invoke(failure!);
            }
        }

        protected override void Write(RespWriter writer) => _ = writer.Begin(2).Add("SUBSCRIBE"u8).Add(channel);

        protected override bool Received(in RespToken token, int index)
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
                case "subscribe" when !subscription.Confirmed.Called:
                    _awaitsReply = false;
                    subscription._ping.Rearm(PingInterval);
                    subscription.Confirmed.Callback(subscription);
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
