using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>The log messages of a proxy. docs/log-events.md lists all events of the program.</summary>
internal static partial class ProxyLog
{
    private static readonly EventId CacheHit = new(31, "cache_hit");

    [LoggerMessage(
        EventId = 30, EventName = "fetch_started", Level = LogLevel.Information, Message = "Fetching poem from server. ({Upstream})")]
    public static partial void FetchStarted(ILogger log, string upstream);

    /// <summary>Logged for each client that is served from memory. The text is made only once for each upstream.</summary>
    public static void UsingCached(ILogger log, LogLevel level, long connection, string text) =>
        new ConnectionMessage(connection, text).Log(log, level, CacheHit);

    [LoggerMessage(
        EventId = 32, EventName = "fetch_cancelled", Level = LogLevel.Information, Message = "Canceling poem download. ({Upstream})")]
    public static partial void FetchCancelled(ILogger log, string upstream);

    [LoggerMessage(EventId = 33, EventName = "fetch_failed", Level = LogLevel.Warning, Message = "fetch of {Upstream} failed: {Reason}")]
    public static partial void FetchFailed(ILogger log, string upstream, string reason);

    [LoggerMessage(EventId = 34, EventName = "cache_emptied", Level = LogLevel.Information, Message = "emptied the cache")]
    public static partial void CacheEmptied(ILogger log);

    [LoggerMessage(
        EventId = 35,
        EventName = "fetch_failed_again",
        Level = LogLevel.Warning,
        Message = "fetch of {Upstream} failed {Count} more times, last: {Reason}")]
    public static partial void FetchFailedAgain(ILogger log, string upstream, object count, string reason);

    /// <summary>Only TCP has resets: over a Unix socket a poem that was cut off ends like a complete one.</summary>
    [LoggerMessage(
        EventId = 36,
        EventName = "framing_missing",
        Level = LogLevel.Warning,
        Message = "a poem of {Upstream} that is cut off will look whole and be kept; --netstring on both sides detects this")]
    public static partial void FramingMissing(ILogger log, string upstream);

    [LoggerMessage(
        EventId = 37,
        EventName = "mirror_failed",
        Level = LogLevel.Warning,
        Message = "a mirror of {Upstream} failed, trying the next: {Reason}")]
    public static partial void MirrorFailed(ILogger log, string upstream, string reason);

    [LoggerMessage(
        EventId = 38,
        EventName = "mirror_failed_again",
        Level = LogLevel.Warning,
        Message = "mirrors of {Upstream} failed {Count} more times, last: {Reason}")]
    public static partial void MirrorFailedAgain(ILogger log, string upstream, object count, string reason);

    [LoggerMessage(
        EventId = 39,
        EventName = "shared_cache_lost",
        Level = LogLevel.Warning,
        Message = "the shared cache cannot be used, going on without it: {Reason}")]
    public static partial void SharedCacheLost(ILogger log, string reason);

    [LoggerMessage(
        EventId = 45, EventName = "shared_cache_back", Level = LogLevel.Information, Message = "the shared cache is back after {Seconds:F1} s")]
    public static partial void SharedCacheBack(ILogger log, object seconds);

    [LoggerMessage(
        EventId = 47,
        EventName = "shared_store_refused",
        Level = LogLevel.Warning,
        Message = "the shared cache refuses to store {Key}: {Reason}")]
    public static partial void SharedStoreRefused(ILogger log, string key, string reason);

    [LoggerMessage(
        EventId = 48,
        EventName = "shared_store_accepted",
        Level = LogLevel.Information,
        Message = "the shared cache stores {Key} again after {Seconds:F1} s")]
    public static partial void SharedStoreAccepted(ILogger log, string key, object seconds);

    [LoggerMessage(EventId = 46, EventName = "shared_hit", Level = LogLevel.Information, Message = "Using shared poem. ({Upstream})")]
    public static partial void UsingShared(ILogger log, string upstream);
}
