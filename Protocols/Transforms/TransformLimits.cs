using System;

namespace Poetry.Protocols;

/// <summary>The limits of requests for transformations. Shared by all protocols on all reactors.</summary>
internal sealed class TransformLimits
{
    /// <summary>
    /// The default of <c>--max-memory</c> where the machine has enough. Chosen: as much as a proxy caches by default.
    /// </summary>
    public const long DefaultMemory = 256 * 1024 * 1024;

    /// <summary>The smallest <c>--max-memory</c>: a few short requests, and one that is a little longer.</summary>
    public const long MinMemory = 64 * 1024;

    /// <summary>Short requests have this part of the memory for themselves. Chosen: 16,384 connections by default.</summary>
    private const int SmallDivisor = 4;

    /// <param name="maxLength">The longest request in bytes, its name included: 0 to <see cref="TextBuffer.MaxBytes"/>.</param>
    /// <param name="timeout">For the whole request; <see cref="TimeSpan.MaxValue"/> for no limit.</param>
    /// <param name="maxMemory">For all requests and answers together, in bytes.</param>
    public TransformLimits(int maxLength, TimeSpan timeout, long maxMemory = DefaultMemory)
    {
        MaxLength = maxLength;
        MaxResultLength = (int)Math.Min((long)maxLength * TransformService.MaxGrowth, TextBuffer.MaxBytes);
        Timeout = timeout;
        Small = new RequestBudget(maxMemory / SmallDivisor);
        Large = new RequestBudget(maxMemory - Small.MaxBytes);
    }

    /// <summary>Of the name, what ends it, and the text.</summary>
    public int MaxLength { get; }

    public int MaxResultLength { get; }

    /// <summary>From accept to the last byte of the answer that the kernel is given.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Of all small leases: see <see cref="RequestLease"/>.</summary>
    public RequestBudget Small { get; }

    public RequestBudget Large { get; }
}
