using System;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Sends the poem of an upstream to whoever connects, and closes kindly; where there is none, or no more of it, it resets
/// the connection. What the client says is dropped.
/// </summary>
/// <remarks>
/// A poem that is kept is sent as <see cref="PoemServer"/> sends one, and the client may close its own side. A client that
/// waits for a fetch has gone when it does.
/// </remarks>
internal sealed class ProxyServer(ProxyServerFactory factory) : Protocol, IPoemReader, IProducer
{
    private PoemBuffer? _cached;
    private ProxyDelivery? _delivery;
    private ConnectionStart _start;
    private long _wireLength;
    private bool _failed;
    private bool _left;

    /// <inheritdoc/>
    public long BytesTaken => Transport.BytesSent;

    /// <inheritdoc/>
    protected internal override void ConnectionMade()
    {
        _start = new ConnectionStart(factory.Clock);
        _wireLength = -1;
        _cached = factory.Service.TryAcquireCached(_start.Number);
        if (_cached is null)
        {
            Wait();
            return;
        }

        ReadOnlySpan<ReadOnlyMemory<byte>> parts = _cached.Parts;
        foreach (ReadOnlyMemory<byte> part in parts[..^1])
        {
            Transport.Write(part);
        }

        Transport.WriteLast(parts[^1]);
        _wireLength = _cached.Length;
        ReleaseIfSent();
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> bytes, bool last)
    {
        if (last)
        {
            Transport.WriteLast(bytes);
        }
        else
        {
            Transport.Write(bytes);
        }
    }

    /// <summary>Too much waits to be sent: nothing needs to be done, for the service looks at the slowest.</summary>
    public void PauseProducing()
    {
    }

    /// <summary>All that waited was sent.</summary>
    public void ResumeProducing() => _delivery?.Drained();

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    protected internal override void ReadConnectionLost()
    {
        if (_delivery is not { Waits: true })
        {
            base.ReadConnectionLost();
            return;
        }

        // The reset first: it drops what was queued, and then the poem may go.
        _left = true;
        Transport.AbortConnection();
        EndDelivery();
    }

    /// <inheritdoc/>
    protected internal override void AllSent() => Release();

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        factory.Record(Transport, _start, WireLength(), Outcome(reason));
        Release();
        _failed = false;
        _left = false;
    }

    private void Wait()
    {
        _delivery = factory.Service.Join(this);
        Transport.RegisterProducer(this);
        _ = _delivery.Completed.AddBoth(this, static (server, outcome) => server.PoemEnded(outcome.Failure));
    }

    /// <summary>The poem was handed over, or there is no more of it.</summary>
    private void PoemEnded(Failure? failure)
    {
        if (failure is null)
        {
            Transport.LoseConnection();
            _wireLength = _delivery!.WireLength;
            ReleaseIfSent();
            return;
        }

        _failed = !failure.Check<CancelledError>();
        Transport.AbortConnection();
    }

    /// <summary>The kernel has it all: the poem may go before the client has closed.</summary>
    private void ReleaseIfSent()
    {
        if (Transport.BytesPending == 0)
        {
            Release();
        }
    }

    private void Release()
    {
        EndDelivery();
        _cached?.Release();
        _cached = null;
    }

    private void EndDelivery()
    {
        ProxyDelivery? delivery = _delivery;
        _delivery = null;
        delivery?.End();
    }

    private long WireLength() => _wireLength >= 0 ? _wireLength : _delivery?.WireLength ?? -1;

    private ConnectionOutcome Outcome(Failure reason) =>
        _failed ? ConnectionOutcome.Failed
        : _left ? ConnectionOutcome.Left
        : ConnectionRecord.OutcomeOf(reason);
}

/// <summary>Builds the protocols of one listener, and uses them again: a poem from memory costs no object.</summary>
internal sealed class ProxyServerFactory(ProxyService service, IClock clock, ILogger log) : ReusingFactory<ProxyServer>
{
    /// <summary>Where the poem comes from.</summary>
    public ProxyService Service => service;

    /// <summary>The reactor's.</summary>
    public IClock Clock => clock;

    private protected override ProxyServer Make() => new(this);

    /// <summary>Logs how a delivery ended.</summary>
    internal void Record(ITransport transport, ConnectionStart start, long wireLength, ConnectionOutcome outcome) =>
        start.End(transport, clock.Now, "proxied", service.Upstream, wireLength, outcome).Log(log);
}
