using Poetry.Net;

namespace Poetry.Commands;

/// <summary>A resource that a server command serves, with its address.</summary>
/// <param name="Title">The beginning of its ready line, such as <c>Serving poetry/ecstasy.txt</c>.</param>
/// <param name="Address">The address that the user asked for; port 0 for a free one.</param>
/// <param name="MakeFactory">Makes the factory of one worker. Called on the thread of <see cref="ServerHost.Run"/>.</param>
internal sealed record Listener(string Title, Endpoint Address, Func<Worker, Factory> MakeFactory)
{
    /// <summary>The served resource and its address: two listeners with the same key are one.</summary>
    public string Key => $"{Title} on {Address}";

    /// <summary>The prefix of messages about it, which names its line in a list; empty if there is no list.</summary>
    public string LinePrefix { get; init; } = string.Empty;

    /// <summary>True if a single worker serves it, regardless of <c>--workers</c>, because its connections share state.</summary>
    public bool IsSingleWorker { get; init; }
}
