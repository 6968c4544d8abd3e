using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A client of Redis 6 or later, Valkey, or a cluster of them, on a reactor. It speaks RESP2. It connects when it has something
/// to send, pipelines commands (it does not wait for earlier replies), and follows the redirects of a cluster. It uses one
/// server of its address until that server fails or can't be reached; then it uses the next one.
/// </summary>
/// <remarks>
/// Use it on the reactor's thread. A command is sent once more if the server closes a connection that has served others before
/// the first byte of the reply: such a connection was probably closed while it was idle. The server may then carry the command
/// out twice; after a failure it may have carried it out or not. A connection is aborted if in one <see cref="Timeout"/>
/// neither a reply is complete nor 16 KiB have moved.
/// </remarks>
public sealed partial class RedisClient : IDisposable
{
    /// <summary>Chosen: longer than a healthy server takes, even a distant one.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Makes a client. It connects when it is first used.</summary>
    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">The server or servers.</param>
    /// <param name="timeout">The timeout for connecting, and for progress; <see cref="DefaultTimeout"/> if null.</param>
    public RedisClient(Reactor reactor, RedisAddress address, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(address);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout ?? DefaultTimeout, TimeSpan.Zero);
        Reactor = reactor;
        Address = address;
        Timeout = timeout ?? DefaultTimeout;
        _servers = new RedisNode[address.Endpoints.Count];
        for (int i = 0; i < _servers.Length; i++)
        {
            _servers[i] = NodeAt(address.Endpoints[i]);
        }
    }

    /// <summary>The server or servers.</summary>
    public RedisAddress Address { get; }

    /// <summary>The timeout for connecting, and for progress.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>The maximum bytes of one reply to <see cref="Send(ReadOnlyMemory{byte}[])"/>: 64 MiB unless set.</summary>
    public long MaxReplyBytes { get; init; } = 64 * 1024 * 1024;

    internal Reactor Reactor { get; }

    /// <summary>The buffer in which commands are written, one at a time.</summary>
    internal RespWriter Writer { get; } = new();

    /// <summary>Sends a command.</summary>
    /// <param name="command">The command's name and arguments. They must not change until the deferred has fired.</param>
    /// <returns>Fires with the reply; fails with a <see cref="RedisError"/>, a <see cref="ConnectError"/> or a
    /// <see cref="ConnectionClosed"/>. Cancelling it drops the reply.</returns>
    /// <remarks>In a cluster the first argument selects the node; for EVAL and EVALSHA the third.</remarks>
    public Deferred<RedisReply> Send(params ReadOnlyMemory<byte>[] command)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentOutOfRangeException.ThrowIfZero(command.Length);
        return Run(new RedisRequest(command, MaxReplyBytes));
    }

    /// <summary>As <see cref="Send(ReadOnlyMemory{byte}[])"/>, with text in UTF-8.</summary>
    /// <returns>The reply. Cancelling it drops the reply.</returns>
    public Deferred<RedisReply> Send(params string[] command)
    {
        ArgumentNullException.ThrowIfNull(command);
        return Send(Encode(command));
    }

    internal static ReadOnlyMemory<byte>[] Encode(string[] command) =>
        Array.ConvertAll(command, static word => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(word));

    /// <summary>
    /// Sends a command whose reply is one bulk string, and passes the string on as it arrives: it may be larger than memory. The
    /// command has its own connection while it runs, so that others do not wait for it.
    /// </summary>
    /// <param name="receiver">Receives the bulk string.</param>
    /// <param name="command">The command, as in <see cref="Send(ReadOnlyMemory{byte}[])"/>.</param>
    /// <returns>Fires with the length in bytes, or with −1 if there was no bulk string; fails as
    /// <see cref="Send(ReadOnlyMemory{byte}[])"/> does. Cancelling it closes the connection.</returns>
    public Deferred<long> Receive(IRedisReceiver receiver, params ReadOnlyMemory<byte>[] command)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentNullException.ThrowIfNull(command);
        ArgumentOutOfRangeException.ThrowIfZero(command.Length);
        return Run(new RedisStream(receiver, command));
    }

    /// <summary>Subscribes to a channel, over its own connection.</summary>
    /// <param name="channel">The name of the channel.</param>
    /// <param name="received">Called with each message.</param>
    /// <param name="ended">Called once, when a subscription that had begun has ended. Messages may be lost from then on; to
    /// receive more of them, subscribe again.</param>
    /// <returns>Fires when the subscription has begun. Cancelling it ends the subscription.</returns>
    public Deferred<RedisSubscription> Subscribe(string channel, Action<ReadOnlyMemory<byte>> received, Action<Failure>? ended = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ArgumentNullException.ThrowIfNull(received);
        return new RedisSubscription(this, channel, received, ended).Confirmed;
    }

    /// <summary>Closes all connections, and aborts those with bytes that are not sent yet. Waiting commands fail.</summary>
    public void Dispose()
    {
        _closed = new Failure(new RedisError("the client is closed"));
        foreach (RedisNode node in new List<RedisNode>(_nodes.Values))
        {
            node.Close(_closed);
        }
    }
}

/// <summary>Receives a long bulk string while it arrives. All calls come from the reactor's thread.</summary>
public interface IRedisReceiver
{
    /// <summary>The length is known. Called once, before the bytes.</summary>
    /// <param name="length">The length of the bulk string in bytes.</param>
    /// <param name="producer">Pauses and resumes the server; usable until the deferred fires. The timeout does not run during a
    /// pause.</param>
    void Started(long length, IProducer producer);

    /// <summary>Bytes have arrived.</summary>
    /// <param name="bytes">At least one; valid until this call returns.</param>
    /// <returns>False to stop: the connection is closed, and the deferred fails with a <see cref="CancelledError"/>.</returns>
    bool Received(ReadOnlySpan<byte> bytes);
}
