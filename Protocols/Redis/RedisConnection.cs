using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One connection to a Redis server: it signs in, sends commands as they come, and passes the replies to them in order. When it
/// ends, the commands that wait for a reply fail. Belongs to a <see cref="RedisNode"/>.
/// </summary>
internal sealed class RedisConnection : Protocol
{
    /// <summary>The bytes that have to move in each timeout, unless the reply is complete.</summary>
    private const int MinProgressBytes = 16 * 1024;

    private readonly RedisNode _node;
    private readonly RedisClient _client;
    private readonly DelayedCall _timer;
    private readonly Connector _connector;

    /// <summary>Commands that wait for a reply.</summary>
    private readonly Queue<RedisCommand> _sent = new();

    /// <summary>Commands that wait until the connection is ready.</summary>
    private readonly Queue<RedisCommand> _unsent = new();
    private RespDecoder _decoder;
    private Failure? _failure;
    private State _state;
    private bool _isPaused;
    private bool _hasServed;
    private long _received;

    /// <summary>The time when the timeout expires, unless enough has moved since <see cref="_mark"/>. The server's allowance is
    /// added to it.</summary>
    private TimeSpan _due;

    /// <summary>The time when the timeout last began again, because enough had moved or a pause was over.</summary>
    private TimeSpan _restarted;
    private long _mark;

    public RedisConnection(RedisNode node, RedisClient client)
    {
        _node = node;
        _client = client;
        _restarted = TimeSpan.MinValue;
        _timer = client.Reactor.Timers.Create(this, static connection => connection.OnTimer());
        _connector = client.Reactor.Connect(node.Endpoint, new ConnectionFactory(this), client.Timeout);
    }

    private enum State : byte
    {
        Connecting,
        SigningIn,
        Ready,
        Ended,
    }

    /// <summary>If a command is too long, the server sends an error, and closes before it has read the command.</summary>
    internal override bool ReadsLastInput => _failure is null && !_isPaused && _state is State.SigningIn or State.Ready;

    private RedisCommand? First => _sent.TryPeek(out RedisCommand? command) ? command : null;

    private TimeSpan Now => _client.Reactor.Now;

    private long Moved => _received + Transport.BytesSent;

    /// <summary>Sends a command, or keeps it until the connection is ready.</summary>
    public void Send(RedisCommand command)
    {
        Debug.Assert(_state != State.Ended && command.Connection is null, "a command is in one connection at a time");
        command.Connection = this;
        _node.ValueBytes += command.ValueBytes;
        if (_state == State.Ready)
        {
            Transmit(command);
        }
        else
        {
            _unsent.Enqueue(command);
        }
    }

    /// <summary>Sends more bytes for the first command: the ping of a subscription.</summary>
    public void SendMore(ReadOnlySpan<byte> bytes)
    {
        Transport.Write(bytes);
        Await(Now);
    }

    /// <summary>Stops reading, and stops the timeout.</summary>
    public void Pause(RedisCommand command)
    {
        if (command == First && _state == State.Ready && !_isPaused)
        {
            _isPaused = true;
            Transport.PauseProducing();
        }
    }

    public void Resume(RedisCommand command)
    {
        if (command == First && _isPaused)
        {
            Resume();
            Await(Now);
        }
    }

    /// <summary>Ends the connection at once, and reads nothing more. Its commands fail later in this turn.</summary>
    public void Abort() => Fail(Failure.Cancelled);

    /// <summary>Closes the connection, or aborts it if the kernel has not taken all bytes. Fails its commands at once.</summary>
    public void Close(Failure reason)
    {
        if (_state == State.Connecting || Transport.BytesPending > 0)
        {
            Fail(reason);
        }
        else
        {
            _failure ??= reason;
            Transport.LoseConnection();
        }

        End(reason);
    }

    protected internal override void ConnectionMade()
    {
        // A server that drains waits for its clients, not for this connection.
        _client.Reactor.Connections.Ignored++;
        RedisAddress address = _client.Address;
        if (!address.HasPassword && address.Database == 0)
        {
            BecomeReady();
            return;
        }

        // No command is sent before SELECT has succeeded: it would be carried out in another database.
        _state = State.SigningIn;
        Transmit(new RedisSignIn(address));
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        _received += data.Length;
        while (_failure is null && _state != State.Ended && _decoder.TryRead(ref data, out RespToken token))
        {
            if (First is not { } command)
            {
                Fail(new RedisError("the server sent a reply that nothing asked for"));
            }
            else if (!command.Read(token))
            {
                Fail(command.Refusal is { } refusal ? new Failure(refusal) : Failure.Cancelled);
            }
            else if (command.IsComplete)
            {
                Complete(command);
            }
            else if (token.EndsReply)
            {
                Await(Now);
            }
        }

        if (_decoder.Error is { } error)
        {
            Fail(new RedisError(error));
        }
    }

    protected internal override void ReadConnectionLost() => Transport.LoseConnection();

    protected internal override void ConnectionLost(Failure reason)
    {
        _client.Reactor.Connections.Ignored--;
        End(_failure ?? reason);
    }

    private void BecomeReady()
    {
        _state = State.Ready;
        while (!Transport.Disconnecting && _unsent.TryDequeue(out RedisCommand? command))
        {
            Transmit(command);
        }
    }

    private void Transmit(RedisCommand command)
    {
        command.SentAt = Now;
        _sent.Enqueue(command);
        if (_sent.Count == 1)
        {
            Await(Now);
        }

        command.Send(Transport, _client.Writer);
    }

    private void Complete(RedisCommand command)
    {
        if (command is RedisSignIn)
        {
            _ = _sent.Dequeue();
            if (command.Refusal is { } refusal)
            {
                Fail(RedisSignIn.Describe(refusal));
            }
            else
            {
                BecomeReady();
            }

            return;
        }

        if (command.IsAlone && Transport.BytesPending > 0)
        {
            // The server would take the rest of it for another command.
            Fail(command.Refusal ?? new RedisError("the server replied before it had the whole command"));
            return;
        }

        Release(_sent.Dequeue());
        _hasServed = true;
        if (First is { } next)
        {
            Await(next.SentAt);
        }

        if (_isPaused)
        {
            Resume();
        }

        if (command.IsAlone)
        {
            _node.Release(this);
        }

        _client.Completed(command);
    }

    private void Release(RedisCommand command)
    {
        command.Connection = null;
        _node.ValueBytes -= command.ValueBytes;
    }

    private void Resume()
    {
        _isPaused = false;
        _restarted = Now;
        Transport.ResumeProducing();
    }

    /// <summary>Begins to wait for the reply to the first command.</summary>
    private void Await(TimeSpan since)
    {
        _due = SaturatedTime.Add(since > _restarted ? since : _restarted, _client.Timeout);
        _mark = Moved;

        // A timer that is due earlier stays, and checks again then: most replies come at once and do not change it.
        if (!_timer.Active || _timer.Due > SaturatedTime.Add(_due, _node.Allowance))
        {
            _timer.RearmAt(_due.Ticks);
        }
    }

    private void OnTimer()
    {
        if (First is not { AwaitsReply: true } || _isPaused)
        {
            return;
        }

        TimeSpan allowance = _node.Allowance;
        TimeSpan due = SaturatedTime.Add(_due, allowance);
        if (Now < due)
        {
            _timer.RearmAt(due.Ticks);
        }
        else if (Moved - _mark < MinProgressBytes)
        {
            TimeSpan waited = SaturatedTime.Add(_client.Timeout, allowance);
            Fail(new RedisError($"timed out: no reply, and less than 16 KiB, in {waited.TotalSeconds:0.###} s"));
        }
        else
        {
            _restarted = Now;
            Await(Now);
        }
    }

    private void Fail(Exception error) => Fail(new Failure(error));

    private void Fail(Failure failure)
    {
        _failure ??= failure;
        if (_state == State.Connecting)
        {
            _connector.StopConnecting();
        }
        else
        {
            Transport.AbortConnection();
        }
    }

    private void End(Failure reason)
    {
        if (_state == State.Ended)
        {
            return;
        }

        bool isConnected = _state != State.Connecting;
        bool mayRepeat = _hasServed && _failure is null;
        _state = State.Ended;
        _ = _timer.CancelIfActive();
        _node.Forget(this);
        while (_sent.TryDequeue(out RedisCommand? command) || _unsent.TryDequeue(out command))
        {
            if (command is not RedisSignIn)
            {
                Release(command);
                _client.Failed(command, reason, isConnected, mayRepeat && !command.IsTouched);
            }
        }
    }

    private sealed class ConnectionFactory(RedisConnection connection) : ClientFactory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => connection;

        protected internal override void ClientConnectionFailed(Connector connector, Failure reason) =>
            connection.End(connection._failure ?? reason);
    }
}
