using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One server and its connections: one for short commands, which are pipelined, and one for each command that may take long. A
/// few connections for long commands stay open when they are idle.
/// </summary>
internal sealed class RedisNode(RedisClient client, Endpoint endpoint)
{
    /// <summary>Chosen: an idle connection costs both sides a descriptor; more than four long commands at once are rare.</summary>
    private const int MaxIdle = 4;

    /// <summary>Chosen: far more than the number of poems that a proxy reads at once.</summary>
    private const int MaxConnections = 256;

    /// <summary>
    /// The part of a value that extends the timeout by a second. Chosen: Redis took 0.9 s for 64 MiB on a slow machine, and
    /// served nothing else meanwhile.
    /// </summary>
    private const double BytesPerSecond = 32 * 1024 * 1024;

    private readonly List<RedisConnection> _all = [];
    private readonly List<RedisConnection> _idle = [];
    private RedisConnection? _shared;

    public Endpoint Endpoint { get; } = endpoint;

    /// <summary>The number of open connections.</summary>
    public int Connections => _all.Count;

    /// <summary>The bytes of all values that it has not replied to yet.</summary>
    public long ValueBytes { get; set; }

    /// <summary>The extension of the timeout while these values are sent and copied.</summary>
    public TimeSpan Allowance => TimeSpan.FromSeconds(ValueBytes / BytesPerSecond);

    public void Send(RedisCommand command)
    {
        if (!command.IsAlone)
        {
            _shared ??= Open();
            _shared.Send(command);
        }
        else if (_idle.Count > 0)
        {
            RedisConnection connection = _idle[^1];
            _idle.RemoveAt(_idle.Count - 1);
            connection.Send(command);
        }
        else if (_all.Count < MaxConnections)
        {
            Open().Send(command);
        }
        else
        {
            client.Failed(
                command, new Failure(new RedisError("too many connections")), isConnected: true, mayRepeat: false);
        }
    }

    /// <summary>The long command of a connection has ended.</summary>
    public void Release(RedisConnection connection)
    {
        Debug.Assert(!_idle.Contains(connection), "a connection becomes idle once");
        if (_idle.Count < MaxIdle)
        {
            _idle.Add(connection);
        }
        else
        {
            connection.Transport.LoseConnection();
        }
    }

    public void Forget(RedisConnection connection)
    {
        _ = _all.Remove(connection);
        _ = _idle.Remove(connection);
        _shared = _shared == connection ? null : _shared;
    }

    /// <summary>Closes all connections, and fails their commands.</summary>
    public void Close(Failure reason)
    {
        while (_all.Count > 0)
        {
            _all[^1].Close(reason);
        }
    }

    private RedisConnection Open()
    {
        var connection = new RedisConnection(this, client);
        _all.Add(connection);
        return connection;
    }
}
