using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Poetry.Commands;

/// <summary>
/// Reads the quantities that options take: numbers, times and sizes. All are exact (no floating point, so no NaN and no
/// infinity), refuse a sign, and name a mistake in one line.
/// </summary>
internal static class Quantity
{
    /// <summary>No limit: a timer with this delay never fires.</summary>
    public static readonly TimeSpan Never = TimeSpan.MaxValue;

    /// <summary>Reads a whole number.</summary>
    /// <param name="text">Decimal digits only.</param>
    /// <param name="min">The smallest that is allowed, 0 or more.</param>
    /// <param name="max">The largest that is allowed.</param>
    /// <param name="value">The number.</param>
    /// <param name="problem">The reason for a refusal.</param>
    public static bool TryParseNumber(string text, long min, long max, out long value, [NotNullWhen(false)] out string? problem)
    {
        value = 0;
        int used = 0;
        bool whole = TakeNumber(text, ref used, out value) && used == text.Length;
        problem = whole && value >= min && value <= max
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a whole number from {min} to {max}");
        return problem is null;
    }

    /// <summary>Reads a time: seconds (<c>0.7</c>), or numbers with units (<c>500ms</c>, <c>2h</c>, <c>1m30s</c>).</summary>
    /// <param name="text">Units are ms, s, m, h and d. Only a lone number may go without one.</param>
    /// <param name="value">Zero or more, rounded up to 100 ns: only zero becomes zero.</param>
    /// <param name="problem">The reason for a refusal.</param>
    public static bool TryParseDuration(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        value = default;
        problem = $"'{text}' is not a time such as 0.7, 500ms or 2h";
        long ticks = 0;
        int used = 0;
        bool isFirst = true;
        do
        {
            if (!TakeDecimal(text, ref used, out long number, out long fraction, out long fractionUnit))
            {
                return false;
            }

            long unit = TakeTimeUnit(text, ref used);
            bool isLone = unit == 0 && isFirst && used == text.Length;
            if (unit < 0 || (unit == 0 && !isLone))
            {
                return false;
            }

            unit = isLone ? TimeSpan.TicksPerSecond : unit;
            Int128 sum = ((Int128)number * unit) + (((Int128)fraction * unit + fractionUnit - 1) / fractionUnit) + ticks;
            if (number < 0 || sum >= long.MaxValue)
            {
                problem = $"'{text}' is too long a time";
                return false;
            }

            ticks = (long)sum;
            isFirst = false;
        }
        while (used < text.Length);

        value = TimeSpan.FromTicks(ticks);
        problem = null;
        return true;
    }

    /// <summary>Reads a time limit: a duration, of which 0 is <see cref="Never"/>.</summary>
    public static bool TryParseLimit(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        bool ok = TryParseDuration(text, out value, out problem);
        value = ok && value == TimeSpan.Zero ? Never : value;
        return ok;
    }

    /// <summary>Reads a lifetime: a duration, or <c>forever</c>. 0 is no lifetime at all.</summary>
    public static bool TryParseLifetime(string text, out TimeSpan value, [NotNullWhen(false)] out string? problem)
    {
        if (text == "forever")
        {
            value = Never;
            problem = null;
            return true;
        }

        return TryParseDuration(text, out value, out problem);
    }

    /// <summary>
    /// Reads a size: bytes (<c>65536</c>), or a whole number with a unit, in letters of either case. <c>KiB</c>,
    /// <c>MiB</c>, <c>GiB</c>, <c>TiB</c> count in 1024s, <c>kB</c>, <c>MB</c>, <c>GB</c>, <c>TB</c> in 1000s, and the
    /// bare letters <c>k</c>, <c>M</c>, <c>G</c>, <c>T</c> in 1024s, as curl and nginx read them.
    /// </summary>
    public static bool TryParseSize(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        bytes = 0;
        problem = $"'{text}' is not a size such as 65536, 64KiB or 1MiB";
        int used = 0;
        if (!TakeNumber(text, ref used, out long number))
        {
            return false;
        }

        long unit = SizeUnit(text.AsSpan(used));
        if (unit == 0)
        {
            return false;
        }

        Int128 product = (Int128)number * unit;
        if (number < 0 || product > long.MaxValue)
        {
            problem = $"'{text}' is too large a size";
            return false;
        }

        bytes = (long)product;
        problem = null;
        return true;
    }

    private static long SizeUnit(ReadOnlySpan<char> suffix)
    {
        if (suffix.IsEmpty || suffix is "B" or "b")
        {
            return 1;
        }

        int power = "KMGT".IndexOf(char.ToUpperInvariant(suffix[0])) + 1;
        bool binary = suffix.Length == 1 || suffix[1..].Equals("ib", StringComparison.OrdinalIgnoreCase);
        if (power == 0 || !(binary || suffix[1..] is "B" or "b"))
        {
            return 0;
        }

        long unit = 1;
        for (; power > 0; power--)
        {
            unit *= binary ? 1024 : 1000;
        }

        return unit;
    }

    /// <summary>Takes letters.</summary>
    /// <returns>Ticks in the unit, 0 if there is none, −1 if it is unknown.</returns>
    private static long TakeTimeUnit(string text, ref int used)
    {
        int start = used;
        while (used < text.Length && char.IsAsciiLetter(text[used]))
        {
            used++;
        }

        return text.AsSpan(start, used - start) switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            "" => 0,
            _ => -1,
        };
    }

    /// <summary>Takes digits, and a point with more of them: 12.5 is 12 and 5 tenths.</summary>
    private static bool TakeDecimal(string text, ref int used, out long number, out long fraction, out long fractionUnit)
    {
        fraction = 0;
        fractionUnit = 1;
        bool hasWhole = TakeNumber(text, ref used, out number);
        if (used == text.Length || text[used] != '.')
        {
            return hasWhole;
        }

        int start = ++used;
        for (; used < text.Length && char.IsAsciiDigit(text[used]); used++)
        {
            // Fifteen digits of a day are a part of a nanosecond; a digit beyond them only keeps it from being nothing.
            if (used - start < 15)
            {
                fraction = (fraction * 10) + (text[used] - '0');
                fractionUnit *= 10;
            }
            else if (text[used] != '0' && fraction == 0)
            {
                fraction = 1;
            }
        }

        return used > start;
    }

    /// <summary>Takes decimal digits; a number that does not fit is −1, for the caller to name.</summary>
    private static bool TakeNumber(string text, ref int used, out long number)
    {
        int start = used;
        number = 0;
        for (; used < text.Length && char.IsAsciiDigit(text[used]); used++)
        {
            int digit = text[used] - '0';
            number = number < 0 || number > (long.MaxValue - digit) / 10 ? -1 : (number * 10) + digit;
        }

        return used > start;
    }
}
