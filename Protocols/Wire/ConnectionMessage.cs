using System;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>
/// A message that is logged for each connection that it applies to. A value with a text that is made once, so that it costs no memory:
/// the program's log formats it as it is, any other logger is given a string.
/// </summary>
internal readonly record struct ConnectionMessage(long Number, string Text)
{
    private static readonly Func<ConnectionMessage, Exception?, string> Formatter = static (message, _) => message.ToString();

    public void Log(ILogger logger, LogLevel level, EventId eventId)
    {
        if (logger.IsEnabled(level))
        {
            logger.Log(level, eventId, this, null, Formatter);
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Number} {Text}");
}
