using System;
using System.Collections.Generic;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One server and the connections to it: one for short commands, which are sent in pipeline, and one more for each command that
/// may take long. A few of the latter stay open when they are idle.
/// </summary>
internal sealed class RedisNode(RedisClient client, Endpoint endpoint)
{
    /// <summary>Chosen: what is idle costs a descriptor here and a client there; more than four long commands at once are rare.</summary>
    private const int MaxIdle = 4;

    /// <summary>Chosen: far more than there are poems of a proxy that are read at once, and a limit all the same.</summary>
    private const int MaxConnections = 256;

    /// <summary>
    /// So much of a value is given a second more. Chosen: 64 MiB took Redis 0.9 s on a slow machine, in which it served nothing else.
    /// </summary>
    private const double BytesPerSecond = 32 * 1024 * 1024;

    private readonly List<RedisConnection> _all = [];
    private readonly List<RedisConnection> _idle = [];
    private RedisConnection? _shared;

    public Endpoint Endpoint { get; } = endpoint;

    /// <summary>The number of open connections.</summary>
    public int Connections => _all.Count;

    /// <summary>The values that are being sent to it, or have not been replied to.</summary>
    public long ValueBytes { get; set; }

    /// <summary>How much longer than the timeout it may be silent.</summary>
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
