using System;

namespace Poetry.Protocols;

/// <summary>How long connecting may take, with the look-up of the name.</summary>
internal static class ConnectTimeout
{
    /// <summary>Chosen: two retransmissions of a SYN (1 s and 2 s, RFC 6298) and a slow look-up fit, and a user still waits.</summary>
    public static readonly TimeSpan Max = TimeSpan.FromSeconds(10);

    /// <summary>The limit for a caller that waits no longer than <paramref name="timeout"/> for anything.</summary>
    public static TimeSpan Within(TimeSpan timeout) => timeout < Max ? timeout : Max;
}
