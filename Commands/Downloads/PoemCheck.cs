namespace Poetry.Commands;

/// <summary>Checks a poem, as it arrives, against the options. Each attempt of a download has its own check.</summary>
internal sealed class PoemCheck(GetOptions options)
{
    private readonly Sha256? _hash = options.Sha256 is null ? null : new Sha256();
    private long _length;

    /// <summary>Checks a length, such as one that the server announces.</summary>
    /// <returns>The problem, or null.</returns>
    public string? CheckLength(long length) =>
        options.MaxBytes > 0 && length > options.MaxBytes ? $"longer than {options.MaxBytes} bytes (--max-bytes)"
        : options.ExpectBytes is { } expected && length > expected ? $"longer than the {expected} bytes expected"
        : null;

    /// <summary>Adds bytes.</summary>
    /// <returns>The problem, or null.</returns>
    public string? Append(ReadOnlySpan<byte> bytes)
    {
        _length += bytes.Length;
        _hash?.Append(bytes);
        return CheckLength(_length);
    }

    /// <summary>Checks the complete poem.</summary>
    /// <returns>The problem, or null.</returns>
    public string? Finish()
    {
        if (options.ExpectBytes is { } expected && _length != expected)
        {
            return $"got {_length} of the {expected} bytes expected";
        }

        if (_hash?.Finish() is { } hash && !hash.AsSpan().SequenceEqual(options.Sha256))
        {
            return $"not the poem expected: its SHA-256 is {Convert.ToHexStringLower(hash)}";
        }

        return null;
    }
}
