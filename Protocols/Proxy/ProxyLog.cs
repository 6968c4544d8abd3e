using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>What a proxy has to say, apart from one record a connection.</summary>
internal static partial class ProxyLog
{
    private static readonly EventId UsingCachedEvent = new(31, nameof(UsingCached));

    [LoggerMessage(EventId = 30, Level = LogLevel.Information, Message = "Fetching poem from server. ({Upstream})")]
    public static partial void Fetching(ILogger log, string upstream);

    /// <summary>
    /// A proxy says this as often as it serves: so the line is made once for an upstream and handed on as it is, where a
    /// generated method would make a string each time.
    /// </summary>
    public static void UsingCached(ILogger log, string line)
    {
        if (log.IsEnabled(LogLevel.Information))
        {
            log.Log(LogLevel.Information, UsingCachedEvent, line, null, static (line, _) => line);
        }
    }

    [LoggerMessage(EventId = 32, Level = LogLevel.Information, Message = "Canceling poem download. ({Upstream})")]
    public static partial void Canceling(ILogger log, string upstream);

    [LoggerMessage(EventId = 33, Level = LogLevel.Warning, Message = "fetch of {Upstream} failed: {Reason}")]
    public static partial void FetchFailed(ILogger log, string upstream, string reason);

    [LoggerMessage(EventId = 35, Level = LogLevel.Warning, Message = "fetch of {Upstream} failed {Count} times more, at last: {Reason}")]
    public static partial void FetchesFailed(ILogger log, string upstream, long count, string reason);

    [LoggerMessage(EventId = 34, Level = LogLevel.Information, Message = "emptied the cache")]
    public static partial void Emptied(ILogger log);

    /// <summary>A reset is a thing of TCP.</summary>
    [LoggerMessage(
        EventId = 36,
        Level = LogLevel.Warning,
        Message = "a poem of {Upstream} that is cut off will look whole, and be kept: --netstring on both sides tells them apart")]
    public static partial void CannotTellWhole(ILogger log, string upstream);
}
