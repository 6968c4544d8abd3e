using System;

namespace Poetry.Net;

/// <summary>
/// Grants parts of an amount that can only be measured, and that falls when a part is filled. To measure costs more than most
/// parts, so one measurement grants a quarter of what it found.
/// </summary>
/// <remarks>
/// A part has to be filled right after it was granted, before anything else is asked for: the next measurement would find
/// again what was granted and not filled. Six downloads whose buffers were granted when they were doubled, and filled later,
/// took more than their control group of 48 MB had, in 34 of 40 runs.
/// </remarks>
/// <param name="measure">What is free, in bytes.</param>
internal sealed class MemoryGrants(Func<long> measure)
{
    /// <summary>So much stays free for the kernel and the runtime.</summary>
    public const long MinFreeBytes = 4 * 1024 * 1024;

    /// <summary>Granted without a measurement: many processes need no more.</summary>
    public const long UnmeasuredBytes = 1024 * 1024;

    /// <summary>
    /// A measurement is valid for so long, and for a quarter of what it found: other processes allocate too. Measured with 64
    /// blocks of 10 MB that grow at once: 0.98 of the rate of a receiver in C; 0.91 when each growth asked the system.
    /// </summary>
    private const long ValidMs = 1000;

    private long _granted = UnmeasuredBytes;
    private long _validUntilMs = long.MaxValue;

    /// <summary>Grants a part, unless less than an eighth of what is free would be left, or <see cref="MinFreeBytes"/>.</summary>
    /// <param name="bytes">What is filled next.</param>
    /// <param name="nowMs">A clock in milliseconds.</param>
    public bool TryTake(long bytes, long nowMs)
    {
        if (bytes > _granted || nowMs > _validUntilMs)
        {
            long measured = measure();
            long free = measured - Math.Max(measured / 8, MinFreeBytes);
            if (bytes > free)
            {
                return false;
            }

            _granted = Math.Max(bytes, free / 4);
            _validUntilMs = nowMs + ValidMs;
        }

        _granted -= bytes;
        return true;
    }
}
