using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>The end of a poem in a test. A server keeps its poem for as long as the process lives.</summary>
internal static class PoemEnd
{
    /// <summary>Releases the poem of a source that is not used any more.</summary>
    public static void ReleaseAll(PoemSource source)
    {
        Poem poem = source.Acquire();
        poem.Release();
        poem.Release();
    }
}
