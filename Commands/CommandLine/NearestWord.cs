namespace Poetry.Commands;

/// <summary>Finds the known word that is nearest to a mistyped one.</summary>
internal static class NearestWord
{
    /// <summary>The maximum length of a typed word that is compared; no known word is half as long.</summary>
    private const int MaxLength = 80;

    /// <summary>
    /// The nearest of the known words (the first of several); null if none is near. A word is near if at most a third of its
    /// letters differ, or if it begins with the typed word.
    /// </summary>
    public static string? Find(string typed, List<string> known)
    {
        string? nearest = null;
        int least = int.MaxValue;
        foreach (string word in known)
        {
            int distance = typed.Equals(word, StringComparison.OrdinalIgnoreCase) ? 0 : Distance(typed, word);
            bool begins = typed.Length > 2 && word.StartsWith(typed, StringComparison.Ordinal);
            int limit = Math.Max(1, word.AsSpan().TrimStart('-').Length / 3);
            distance = begins ? Math.Min(distance, limit) : distance;
            if (distance <= limit && distance < least)
            {
                (nearest, least) = (word, distance);
            }
        }

        return nearest;
    }

    /// <summary>
    /// The optimal string alignment distance: the number of letters to insert, delete, replace or swap with their neighbour, to
    /// turn one word into the other.
    /// </summary>
    internal static int Distance(string a, string b)
    {
        if (a.Length > MaxLength)
        {
            return int.MaxValue;
        }

        // rows[i, j] is the distance of the first i letters of one word from the first j letters of the other.
        int[,] rows = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                rows[i, j] = i == 0 || j == 0 ? i + j
                    : Math.Min(rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
