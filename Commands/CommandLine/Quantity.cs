using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Poetry.Commands;

/// <summary>
/// Reads the quantities that options take: numbers, times and sizes. All are exact (no floating point, so no NaN and no
/// infinity), refuse a sign, and report a mistake in one line.
/// </summary>
internal static class Quantity
{
    /// <summary>No limit: a timer with this delay never fires.</summary>
    public static readonly TimeSpan Never = TimeSpan.MaxValue;

    /// <summary>The number of digits after the point that count: the fifteenth digit of a day is less than a nanosecond.</summary>
    private const int FractionDigits = 15;
    private const long Parts = 1_000_000_000_000_000;

    /// <summary>Stands for every number that does not fit into a <c>long</c>. Its product with any unit, and any sum of these,
    /// fits into an <c>Int128</c>.</summary>
    private static readonly Int128 TooMuch = (Int128)long.MaxValue + 1;

    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    /// <summary>The unit of a single number without a name: seconds.</summary>
    private static readonly (string Name, long Size)[] NoTimeUnit = [("", TimeSpan.TicksPerSecond)];

    private static readonly (string Name, long Size)[] TimeUnits =
    [
        ("ms", TimeSpan.TicksPerMillisecond),
        ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour),
        ("d", TimeSpan.TicksPerDay),
    ];

    /// <summary>Upper and lower case are equal. The bare letters are powers of 1024, as in curl and nginx.</summary>
    private static readonly (string Name, long Size)[] SizeUnits =
    [
        ("", 1), ("B", 1),
        ("k", 1L << 10), ("KiB", 1L << 10), ("kB", 1_000),
        ("M", 1L << 20), ("MiB", 1L << 20), ("MB", 1_000_000),
        ("G", 1L << 30), ("GiB", 1L << 30), ("GB", 1_000_000_000),
        ("T", 1L << 40), ("TiB", 1L << 40), ("TB", 1_000_000_000_000),
    ];

    /// <summary>Reads a whole number: decimal digits only.</summary>
    public static bool TryParseNumber(string text, long min, long max, out long value, [NotNullWhen(false)] out string? problem)
    {
        bool ok = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= min && value <= max;
        problem = ok ? null : $"'{text}' is not a whole number from {min} to {max}";
        return ok;
    }

    /// <summary>Reads a time: seconds (<c>0.7</c>), or numbers with units (<c>500ms</c>, <c>2h</c>, <c>1m30s</c>).</summary>
    /// <param name="text">The text that the user typed.</param>
    /// <param name="value">Zero or more, rounded up to 100 ns: only zero becomes zero.</param>
    /// <param name="problem">The reason for a refusal.</param>
    public static bool TryParseDuration(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        value = default;
        problem = $"'{text}' is not a time such as 0.7, 500ms or 2h";
        ReadOnlySpan<char> rest = text;
        (string, long)[] units = rest.ContainsAnyInRange('a', 'z') ? TimeUnits : NoTimeUnit;
        Int128 ticks = 0;
        do
        {
            if (!TryTake(ref rest, units, StringComparison.Ordinal, out Int128 amount))
            {
                return false;
            }

            ticks += amount;
        }
        while (!rest.IsEmpty);

        problem = ticks < long.MaxValue ? null : $"'{text}' is too long a time";
        value = problem is null ? TimeSpan.FromTicks((long)ticks) : default;
        return problem is null;
    }

    /// <summary>Reads a time limit: a duration; 0 means <see cref="Never"/>.</summary>
    public static bool TryParseLimit(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        bool ok = TryParseDuration(text, out value, out problem);
        value = ok && value == TimeSpan.Zero ? Never : value;
        return ok;
    }

    /// <summary>Reads a lifetime: a duration, or <c>forever</c>. 0 means no lifetime.</summary>
    public static bool TryParseLifetime(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        bool isForever = text == "forever";
        bool ok = TryParseDuration(isForever ? "0" : text, out value, out problem);
        value = isForever ? Never : value;
        problem = ok ? null : $"{problem} (for no end: forever)";
        return ok;
    }

    /// <summary>Reads a size: bytes (<c>65536</c>), or a whole number with a unit (<c>64KiB</c>).</summary>
    public static bool TryParseSize(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        ReadOnlySpan<char> rest = text;
        bool isSize = TryTake(ref rest, SizeUnits, StringComparison.OrdinalIgnoreCase, out Int128 amount)
            && rest.IsEmpty && !text.Contains('.');
        problem = !isSize ? $"'{text}' is not a size such as 65536, 64KiB or 1MiB"
            : amount > long.MaxValue ? $"'{text}' is too large a size"
            : null;
        bytes = problem is null ? (long)amount : 0;
        return problem is null;
    }

    /// <summary>Takes a number and its unit from the front of a text.</summary>
    /// <param name="text">The text; the number and its unit are removed from it.</param>
    /// <param name="units">One of these must follow the number.</param>
    /// <param name="comparison">The comparison for the names of units.</param>
    /// <param name="amount">The number times the size of its unit, rounded up.</param>
    private static bool TryTake(
        ref ReadOnlySpan<char> text, (string Name, long Size)[] units, StringComparison comparison, out Int128 amount)
    {
        int digits = text.IndexOfAnyExcept(NumberChars);
        ReadOnlySpan<char> number = digits < 0 ? text : text[..digits];
        text = text[number.Length..];
        int letters = text.IndexOfAny(NumberChars);
        ReadOnlySpan<char> unit = letters < 0 ? text : text[..letters];
        text = text[unit.Length..];
        amount = 0;
        if (number.IsEmpty || number[^1] == '.' || number.Count('.') > 1)
        {
            return false;
        }

        int point = number.IndexOf('.');
        ReadOnlySpan<char> before = point < 0 ? number : number[..point];
        string fraction = (point < 0 ? string.Empty : number[(point + 1)..].ToString()).PadRight(FractionDigits, '0');
        Int128 whole = before.IsEmpty ? 0
            : long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out long count) ? count
            : TooMuch;
        long rest = fraction.AsSpan(FractionDigits).ContainsAnyInRange('1', '9') ? 1 : 0;
        Int128 parts = long.Parse(fraction.AsSpan(0, FractionDigits), NumberStyles.None, CultureInfo.InvariantCulture) + rest;
        foreach ((string name, long size) in units)
        {
            if (unit.Equals(name, comparison))
            {
                amount = (whole * size) + (((parts * size) + Parts - 1) / Parts);
                return true;
            }
        }

        return false;
    }
}
