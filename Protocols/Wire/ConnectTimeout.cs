namespace Poetry.Protocols;

/// <summary>The time limit for connecting, with the look-up of the name.</summary>
internal static class ConnectTimeout
{
    /// <summary>Chosen: two SYN retransmissions (1 s and 2 s, RFC 6298) and a slow look-up fit, and a user still waits that long.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(10);

    /// <summary>The limit for a caller whose own limit is <paramref name="timeout"/>: the shorter of the two.</summary>
    public static TimeSpan Within(TimeSpan timeout) => timeout < Max ? timeout : Max;
}
