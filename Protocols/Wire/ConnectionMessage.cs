using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>
/// A message that is logged for each connection that it applies to. It is a value, and its text is made once, so it allocates nothing:
/// the program's log formats the value directly; any other logger gets a string.
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
