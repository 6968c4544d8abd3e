using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The log messages of a slow server. docs/log-events.md lists all events of the program.</summary>
internal static partial class SlowPoemLog
{
    [LoggerMessage(
        EventId = 50, EventName = "client_connected", Level = LogLevel.Debug, Message = "#{Connection} {Peer} connected for {Name}")]
    public static partial void ClientConnected(ILogger log, long connection, SocketAddress peer, string name);

    [LoggerMessage(
        EventId = 51, EventName = "piece_sent", Level = LogLevel.Debug, Message = "#{Connection} Sending {Count} bytes to {Peer}")]
    public static partial void SendingPiece(ILogger log, long connection, long count, SocketAddress peer);
}
