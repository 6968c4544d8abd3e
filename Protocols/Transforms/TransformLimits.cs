namespace Poetry.Protocols;

/// <summary>The limits of requests for transformations. Shared by all protocols on all reactors.</summary>
internal sealed class TransformLimits
{
    /// <summary>
    /// The default of <c>--max-memory</c> if the machine has enough. Chosen: as much as a proxy caches by default.
    /// </summary>
    public const long DefaultMemory = 256 * 1024 * 1024;

    /// <summary>The minimum of <c>--max-memory</c>: enough for a few short requests and a slightly longer one.</summary>
    public const long MinMemory = 64 * 1024;

    /// <summary>The memory divided by this is reserved for short requests. Chosen: 16,384 connections by default.</summary>
    private const int SmallDivisor = 4;

    /// <param name="maxLength">The maximum bytes of a request, with its name: 0 to <see cref="TextBuffer.MaxBytes"/>.</param>
    /// <param name="timeout">The timeout of a whole request; <see cref="TimeSpan.MaxValue"/> for no limit.</param>
    /// <param name="maxMemory">The memory for all requests and answers together, in bytes.</param>
    public TransformLimits(int maxLength, TimeSpan timeout, long maxMemory = DefaultMemory)
    {
        MaxLength = maxLength;
        MaxResultLength = (int)Math.Min((long)maxLength * TransformService.MaxGrowth, TextBuffer.MaxBytes);
        Timeout = timeout;
        Small = new RequestBudget(maxMemory / SmallDivisor);
        Large = new RequestBudget(maxMemory - Small.MaxBytes);
    }

    /// <summary>The maximum length of the name, its separator and the text, together.</summary>
    public int MaxLength { get; }

    public int MaxResultLength { get; }

    /// <summary>The maximum time from accept until the answer is complete and written to the transport.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>The budget of all small leases: see <see cref="RequestLease"/>.</summary>
    public RequestBudget Small { get; }

    public RequestBudget Large { get; }
}
