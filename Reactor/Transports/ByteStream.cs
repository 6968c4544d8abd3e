using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// The bytes that arrive on a connection, for <c>await foreach</c> in an <c>async Deferred</c> method. It connects when the
/// loop starts. The connection is read no faster than the loop takes the pieces, and leaving the loop closes it.
/// </summary>
/// <remarks>A clean end of the connection ends the loop; any other end is thrown as an exception.</remarks>
public sealed class ByteStream
{
    private readonly Reactor _reactor;
    private readonly Endpoint _endpoint;
    private readonly TimeSpan? _timeout;

    internal ByteStream(Reactor reactor, Endpoint endpoint, TimeSpan? timeout)
    {
        _reactor = reactor;
        _endpoint = endpoint;
        _timeout = timeout;
    }

    /// <summary>Starts to connect. Called by code that the compiler generates.</summary>
    public Enumerator GetAsyncEnumerator()
    {
        var reader = new Reader();
        return new Enumerator(reader, _endpoint.Connect(_reactor, new ReaderFactory(reader), _timeout));
    }

    /// <summary>The loop over the pieces. Used by code that the compiler generates.</summary>
    public sealed class Enumerator
    {
        private readonly Reader _reader;
        private Deferred<Protocol>? _connecting;

        internal Enumerator(Reader reader, Deferred<Protocol> connecting)
        {
            _reader = reader;
            _connecting = connecting;
        }

        /// <summary>The piece that has arrived.</summary>
        public ReadOnlyMemory<byte> Current => _reader.Current;

        /// <summary>Waits for the next piece. Cancelling it resets the connection.</summary>
        /// <returns>True if there is one, false at the end.</returns>
        public async Deferred<bool> MoveNextAsync()
        {
            if (_connecting is { } connecting)
            {
                _connecting = null;
                _ = await connecting;
            }

            return await _reader.Next();
        }

        /// <summary>Closes the connection, if it is open.</summary>
        /// <returns>A deferred that has fired. Cancelling it does nothing.</returns>
        public Deferred DisposeAsync()
        {
            _connecting?.Cancel();
            _reader.Close();
            return Deferred.Succeed(default(Unit));
        }
    }

    internal sealed class Reader : Protocol
    {
        /// <summary>A piece that arrived before <see cref="Next"/> was called. Reading is then paused: there is at most one.</summary>
        private byte[]? _piece;
        private Deferred<bool>? _waiting;
        private Failure? _ended;

        public ReadOnlyMemory<byte> Current { get; private set; }

        public Deferred<bool> Next()
        {
            if (_piece is not null)
            {
                Current = _piece;
                _piece = null;
                Transport.ResumeProducing();
                return Deferred.Succeed(true);
            }

            if (_ended is not null)
            {
                return _ended.Check<ConnectionDone>() ? Deferred.Succeed(false) : Deferred.Fail<bool>(_ended);
            }

            _waiting = Deferred.WithCanceller<Reader, bool>(this, static (reader, _) => reader.Close());
            return _waiting;
        }

        public void Close()
        {
            _waiting = null;
            Transport.AbortConnection();
        }

        protected internal override void DataReceived(ReadOnlySpan<byte> data)
        {
            if (_waiting is { } waiting)
            {
                _waiting = null;
                Current = data.ToArray();
                waiting.Callback(true);
            }
            else
            {
                Debug.Assert(_piece is null, "reading is paused");
                _piece = data.ToArray();
                Transport.PauseProducing();
            }
        }

        protected internal override void ConnectionLost(Failure reason)
        {
            _ended = reason;
            if (_waiting is { } waiting)
            {
                _waiting = null;
                waiting.Fire(reason.Check<ConnectionDone>() ? new Outcome<bool>(false) : new Outcome<bool>(reason));
            }
        }
    }

    private sealed class ReaderFactory(Reader reader) : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => reader;
    }
}
