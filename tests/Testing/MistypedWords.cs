namespace Poetry.Tests.Testing;

/// <summary>Words as people mistype them.</summary>
internal static class MistypedWords
{
    /// <summary>The word with its first two letters that differ swapped, but not its dashes.</summary>
    public static string Swapped(string word)
    {
        int at = word.LastIndexOf("--", StringComparison.Ordinal) + 2;
        while (word[at] == word[at + 1])
        {
            at++;
        }

        return word[..at] + word[at + 1] + word[at] + word[(at + 2)..];
    }
}
