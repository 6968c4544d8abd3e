using System;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>One thing that a server command serves, and where.</summary>
/// <param name="Title">The beginning of its ready line, such as <c>Serving poetry/ecstasy.txt</c>.</param>
/// <param name="Address">As the user asked for it; port 0 for a free one.</param>
/// <param name="MakeFactory">Makes the factory of one worker. Called on the thread of <see cref="ServerHost.Run"/>.</param>
internal sealed record Listener(string Title, Endpoint Address, Func<Worker, Factory> MakeFactory)
{
    /// <summary>What it serves and where: two listeners with the same key are one.</summary>
    public string Key => $"{Title} on {Address}";

    /// <summary>Its line in a list, before a message about it; empty if there is no list.</summary>
    public string LinePrefix { get; init; } = string.Empty;

    /// <summary>True if a single worker serves it whatever <c>--workers</c> says, because its connections share state.</summary>
    public bool IsSingleWorker { get; init; }
}
