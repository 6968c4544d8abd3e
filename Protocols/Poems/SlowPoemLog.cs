using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The log messages of a slow server. docs/log-events.md lists all events of the program.</summary>
internal static partial class SlowPoemLog
{
    /// <summary>Logged for each client.</summary>
    public static void ClientConnected(ILogger log, long connection, SocketAddress peer, string name)
    {
        if (log.IsEnabled(LogLevel.Debug))
        {
            Connected(log, connection, peer, name);
        }
    }

    /// <summary>Logged for each piece.</summary>
    public static void SendingPiece(ILogger log, long connection, long count, SocketAddress peer)
    {
        if (log.IsEnabled(LogLevel.Debug))
        {
            Sending(log, connection, count, peer);
        }
    }

    [LoggerMessage(
        EventId = 50, EventName = "client_connected", Level = LogLevel.Debug, Message = "#{Connection} {Peer} connected for {Name}")]
    private static partial void Connected(ILogger log, object connection, object peer, string name);

    [LoggerMessage(
        EventId = 51, EventName = "piece_sent", Level = LogLevel.Debug, Message = "#{Connection} Sending {Count} bytes to {Peer}")]
    private static partial void Sending(ILogger log, object connection, object count, object peer);
}
