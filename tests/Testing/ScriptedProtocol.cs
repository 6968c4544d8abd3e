using System.Buffers;
using Poetry.Net;

namespace Poetry.Tests.Testing;

internal delegate void DataAction(ScriptedProtocol protocol, ReadOnlySpan<byte> data);

/// <summary>
/// A protocol that does what the test says and keeps what it was told. It holds the transport to its promises: made first,
/// lost once and last, and never lost from inside another call.
/// </summary>
internal sealed class ScriptedProtocol : Protocol
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private int _depth;

    public Action<ScriptedProtocol>? OnMade { get; init; }

    public DataAction? OnData { get; init; }

    /// <summary>Null does what every protocol does: it loses the connection.</summary>
    public Action<ScriptedProtocol>? OnReadLost { get; init; }

    public Action<ScriptedProtocol, Failure>? OnLost { get; init; }

    /// <summary>Where it wants its bytes; none if it does not mind.</summary>
    public byte[] ReadsInto { get; init; } = [];

    /// <summary>The calls so far: made, data, read lost, lost; data only once in a row.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>How many bytes have come.</summary>
    public long ReceivedCount { get; private set; }

    /// <summary>What has come; nothing if <see cref="KeepsBytes"/> is off.</summary>
    public ReadOnlySpan<byte> Received => _bytes.WrittenSpan;

    public bool KeepsBytes { get; init; } = true;

    /// <summary>How often data came.</summary>
    public int DataCount { get; private set; }

    /// <summary>Why it ended; null while it has not.</summary>
    public Failure? Reason { get; private set; }

    public bool IsMade => Calls.Count > 0;

    public bool IsLost => Reason is not null;

    /// <summary>Fails unless the connection has ended with just this.</summary>
    public void AssertLost<TReason>()
        where TReason : Exception => AssertLost(typeof(TReason));

    /// <inheritdoc/>
    protected internal override Span<byte> ReceiveBuffer => ReadsInto;

    /// <inheritdoc cref="AssertLost{TReason}"/>
    public void AssertLost(Type reason)
    {
        Assert.IsNotNull(Reason, "the connection has not ended");
        Assert.AreEqual(reason, Reason.ExceptionType, Reason.Message);
    }

    protected internal override void ConnectionMade()
    {
        Enter("made", isRight: Calls.Count == 0);
        try
        {
            OnMade?.Invoke(this);
        }
        finally
        {
            _depth--;
        }
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        Enter("data", isRight: IsMade && !IsLost && !Calls.Contains("read lost") && !data.IsEmpty);
        ReceivedCount += data.Length;
        DataCount++;
        if (KeepsBytes)
        {
            _bytes.Write(data);
        }

        try
        {
            OnData?.Invoke(this, data);
        }
        finally
        {
            _depth--;
        }
    }

    protected internal override void ReadConnectionLost()
    {
        Enter("read lost", isRight: IsMade && !IsLost && !Calls.Contains("read lost"));
        try
        {
            if (OnReadLost is null)
            {
                base.ReadConnectionLost();
            }
            else
            {
                OnReadLost(this);
            }
        }
        finally
        {
            _depth--;
        }
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        Enter("lost", isRight: IsMade && !IsLost && _depth == 0);
        Reason = reason;
        try
        {
            OnLost?.Invoke(this, reason);
        }
        finally
        {
            _depth--;
        }
    }

    private void Enter(string call, bool isRight)
    {
        Assert.IsTrue(isRight, $"{call} is not due after: {string.Join(", ", Calls)}; {_depth} calls are under way");
        _depth++;
        if (call != "data" || Calls[^1] != "data")
        {
            Calls.Add(call);
        }
    }
}

/// <summary>Builds scripted protocols, for ports and connectors, and keeps what it was told.</summary>
internal sealed class ScriptedFactory(Func<ScriptedProtocol?>? build = null) : ClientFactory
{
    /// <summary>All that were built.</summary>
    public List<ScriptedProtocol> Built { get; } = [];

    /// <summary>The only one that was built.</summary>
    public ScriptedProtocol Only
    {
        get
        {
            Assert.HasCount(1, Built);
            return Built[0];
        }
    }

    public List<Failure> ConnectFailures { get; } = [];

    public List<Failure> Ends { get; } = [];

    public int ReleasedCount { get; private set; }

    public Action<Connector, Failure>? OnFailed { get; set; }

    public Action<Connector, Failure>? OnLost { get; set; }

    public Action? OnRelease { get; set; }

    public bool Reuses { get; init; }

    protected internal override bool ReusesConnections => Reuses;

    protected internal override Protocol? BuildProtocol(in SocketAddress peer)
    {
        ScriptedProtocol? protocol = build is null ? new ScriptedProtocol() : build();
        if (protocol is not null)
        {
            Built.Add(protocol);
        }

        return protocol;
    }

    protected internal override void Release(Protocol protocol)
    {
        ReleasedCount++;
        OnRelease?.Invoke();
    }

    protected internal override void ClientConnectionFailed(Connector connector, Failure reason)
    {
        ConnectFailures.Add(reason);
        OnFailed?.Invoke(connector, reason);
    }

    protected internal override void ClientConnectionLost(Connector connector, Failure reason)
    {
        Ends.Add(reason);
        OnLost?.Invoke(connector, reason);
    }
}
