using System;

namespace Poetry.Commands;

/// <summary>Finds the known word that is nearest to a mistyped one.</summary>
/// <param name="typed">The mistyped word.</param>
internal ref struct NearestWord(string typed)
{
    /// <summary>Longer words are not compared, so that the comparison fits on the stack.</summary>
    private const int MaxLength = 40;

    private int _distance = int.MaxValue;

    /// <summary>The nearest so far, the earlier of two; null if none is near.</summary>
    public string? Found { get; private set; }

    /// <summary>
    /// Compares another known word. It is near if at most a third of its letters differ, or if it begins with the typed
    /// word.
    /// </summary>
    public void Offer(string word)
    {
        int distance = typed.Equals(word, StringComparison.OrdinalIgnoreCase) ? 0 : Distance(typed, word);
        bool begins = typed.Length > 2 && word.StartsWith(typed, StringComparison.Ordinal);
        int limit = Math.Max(1, word.AsSpan().TrimStart('-').Length / 3);
        distance = begins ? Math.Min(distance, limit) : distance;
        if (distance <= limit && distance < _distance)
        {
            _distance = distance;
            Found = word;
        }
    }

    /// <summary>
    /// The optimal string alignment distance: how many letters must be inserted, deleted, replaced or swapped with their
    /// neighbour to turn one word into the other.
    /// </summary>
    internal static int Distance(string a, string b)
    {
        if (a.Length > MaxLength || b.Length > MaxLength)
        {
            return int.MaxValue;
        }

        Span<int> beforeLast = stackalloc int[MaxLength + 1];
        Span<int> last = stackalloc int[MaxLength + 1];
        Span<int> current = stackalloc int[MaxLength + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(change, Math.Min(last[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    current[j] = Math.Min(current[j], beforeLast[j - 2] + 1);
                }
            }

            Span<int> free = beforeLast;
            beforeLast = last;
            last = current;
            current = free;
        }

        return last[b.Length];
    }
}
