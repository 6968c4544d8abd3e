using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>One fetch of one poem from one server: the factory of one connection. It fires one deferred.</summary>
internal sealed class PoemFetch(IClock clock, PoemRequest request, IPoemReceiver receiver, Deferred<long> completed) : ClientFactory
{
    /// <summary>The failure of a poem that did not fit into memory.</summary>
    public const string OutOfMemory = "out of memory";

    public IClock Clock => clock;

    public IPoemReceiver Receiver => receiver;

    /// <returns>Fires with the length in bytes when the poem is complete; fails with a <see cref="ConnectError"/>, a
    /// <see cref="Net.ConnectionLost"/> or a <see cref="PoemIncompleteError"/>. Cancelling it stops the connect or resets the
    /// connection at once.</returns>
    public static Deferred<long> Start(Reactor reactor, Endpoint endpoint, PoemRequest request, IPoemReceiver receiver) =>
        Start(
            reactor,
            fetch =>
            {
                Connector connector = reactor.Connect(endpoint, fetch, request.ConnectTimeout);
                return () => connector.Disconnect(reset: true);
            },
            request,
            receiver);

    /// <summary>Starts a fetch over any connection, such as one in memory. <paramref name="connect"/> starts to connect, calls
    /// the factory with the result in a later turn, and returns an action that cancels.</summary>
    /// <returns>As <see cref="Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>.</returns>
    public static Deferred<long> Start(
        IClock clock,
        Func<ClientFactory, Action> connect,
        PoemRequest request,
        IPoemReceiver receiver)
    {
        Action? giveUp = null;
        var completed = new Deferred<long>(_ => giveUp!());
        giveUp = connect(new PoemFetch(clock, request, receiver, completed));
        return completed;
    }

    /// <summary>True if another attempt, or another server, may deliver the poem.</summary>
    public static bool MayRetry(Exception error) =>
        error is ConnectError or Net.ConnectionLost or PoemIncompleteError { MayRetry: true } or MirrorsFailedError;

    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new PoemClient(this, request);

    protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => Failed(reason);

    internal void Complete(long length)
    {
        if (!completed.Called)
        {
            completed.Callback(length);
        }
    }

    /// <summary>The fetch has failed, unless it has ended already.</summary>
    internal void Failed(Failure reason)
    {
        if (!completed.Called)
        {
            completed.Errback(reason);
        }
    }
}

/// <summary>All mirrors of a poem that may be tried have failed.</summary>
/// <param name="message">The mirrors that were tried, each with its error.</param>
/// <param name="last">The error of the last one.</param>
internal sealed class MirrorsFailedError(string message, Exception last) : IOException(message, last);

/// <summary>The poem was not received, or not all of it.</summary>
/// <param name="message">One line for the user, without a full stop.</param>
internal sealed class PoemIncompleteError(string message) : IOException(message)
{
    /// <summary>True if another attempt or server may deliver the poem: it was cut off or empty, or the server was idle.</summary>
    public bool MayRetry { get; init; }
}
