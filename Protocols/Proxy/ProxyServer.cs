using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Sends the poem of an upstream to each client, and closes gracefully; where the poem can't be had, or no more of it, resets
/// the connection. What the client sends is dropped.
/// </summary>
/// <remarks>
/// A poem from memory is sent as <see cref="PoemServer"/> sends one, and the client may half-close. A client that waits for a
/// fetch counts as gone when its input ends. A client that would cause a fetch must stay for a moment first: a balancer's
/// health check does not.
/// </remarks>
internal sealed class ProxyServer(ProxyServerFactory factory) : Protocol, IPoemReader, IProducer
{
    private PoemBuffer? _cached;
    private ProxyDelivery? _delivery;
    private DelayedCall? _probeTimer;
    private ConnectionStart _start;
    private long _totalBytes;
    private string? _detail;
    private bool _mayBeProbe;
    private bool _isHit;
    private bool _hasBegun;
    private bool _failed;
    private bool _left;

    /// <inheritdoc/>
    public long BytesTaken => Transport.BytesSent;

    /// <inheritdoc/>
    StreamTransport? IPoemReader.Connection => Transport as StreamTransport;

    private ProxyService Service => factory.Service;

    /// <inheritdoc/>
    protected internal override void ConnectionMade()
    {
        _start = new ConnectionStart(factory.Clock);
        _totalBytes = -1;
        _detail = null;
        _isHit = false;
        _hasBegun = false;
        _failed = false;
        _left = false;
        _mayBeProbe = !TryAnswer();
        if (!_mayBeProbe && !(_isHit && Service.NeedsRefresh))
        {
            return;
        }

        Service.ClientsProbing += _mayBeProbe ? 1 : 0;
        if (Service.Options.ProbeDelay == TimeSpan.Zero)
        {
            Stayed();
        }
        else if (_probeTimer is null)
        {
            _probeTimer = factory.Clock.CallLater(Service.Options.ProbeDelay, this, static server => server.Stayed());
        }
        else
        {
            _probeTimer.Rearm(Service.Options.ProbeDelay);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> bytes, bool last)
    {
        CountFirstByte();
        if (last)
        {
            Transport.WriteLast(bytes);
        }
        else
        {
            Transport.Write(bytes);
        }
    }

    /// <summary>No action: the download paces the upstream by its slowest client.</summary>
    public void PauseProducing()
    {
    }

    /// <inheritdoc/>
    public void ResumeProducing() => _delivery?.Drained();

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (_mayBeProbe)
        {
            BeginWaiting();
        }
    }

    /// <inheritdoc/>
    protected internal override void ReadConnectionLost()
    {
        if (!_mayBeProbe && _delivery is not { Waits: true })
        {
            base.ReadConnectionLost();
            return;
        }

        // The reset first: it drops what was queued, so that the poem can be released.
        _left = true;
        Transport.AbortConnection();
        EndDelivery();
    }

    /// <inheritdoc/>
    protected internal override void AllSent() => Release();

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _probeTimer?.CancelIfActive();
        if (_mayBeProbe)
        {
            Service.ClientsProbing--;
            Service.Probes++;
        }

        _detail = _delivery is { IsStale: true } ? ProxyServerFactory.Stale : _detail;
        long totalBytes = _totalBytes >= 0 ? _totalBytes : _delivery?.TotalBytes ?? -1;
        ConnectionRecord record = _start.End(
            Transport, factory.Clock.Now, "proxied", Service.Upstream, totalBytes, OutcomeOf(reason)) with
        {
            Detail = _detail,
        };
        if (_isHit)
        {
            // Not before: only the end tells whether it was a balancer's health check.
            Service.LogHit(in record);
            if (!record.IsProbe)
            {
                Service.Refresh();
            }
        }

        factory.Record(record, _mayBeProbe);
        Release();
    }

    private ConnectionOutcome OutcomeOf(Failure reason) =>
        _failed ? ConnectionOutcome.Failed
        : _left ? ConnectionOutcome.Left
        : ConnectionRecord.OutcomeOf(reason);

    /// <summary>Answers without a new fetch, if that is possible.</summary>
    private bool TryAnswer()
    {
        if (Service.TryAcquireCached(out bool isStale) is { } poem)
        {
            _detail = isStale ? ProxyServerFactory.Stale : null;
            _isHit = true;
            SendCached(poem);
        }
        else if (Service.TryJoin(this) is { } delivery)
        {
            Wait(delivery);
        }
        else if (Service.IsPaused)
        {
            _failed = true;
            _detail = Service.Refuse();
            Transport.AbortConnection();
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>The client is no health check, since it is still here: it waits for the poem, or the old one that it was given is
    /// fetched anew.</summary>
    private void Stayed()
    {
        if (_mayBeProbe)
        {
            BeginWaiting();
        }
        else
        {
            Service.Refresh();
        }
    }

    /// <summary>The client waits for the poem.</summary>
    private void BeginWaiting()
    {
        _ = _probeTimer?.CancelIfActive();
        if (Transport.Disconnecting)
        {
            return;
        }

        _mayBeProbe = false;
        Service.ClientsProbing--;
        if (!TryAnswer())
        {
            Wait(Service.Join(this));
        }
    }

    private void SendCached(PoemBuffer poem)
    {
        _cached = poem;
        CountFirstByte();
        ReadOnlySpan<ReadOnlyMemory<byte>> parts = poem.Parts;
        foreach (ReadOnlyMemory<byte> part in parts[..^1])
        {
            Transport.Write(part);
        }

        Transport.WriteLast(parts[^1]);
        _totalBytes = poem.Length;
        ReleaseIfSent();
    }

    private void Wait(ProxyDelivery delivery)
    {
        _delivery = delivery;
        Transport.RegisterProducer(this);
        _ = _delivery.Completed.AddBoth(this, static (server, outcome) => server.PoemEnded(outcome.Failure));
    }

    /// <summary>The client was given the whole poem, or there is no more of it.</summary>
    private void PoemEnded(Failure? failure)
    {
        if (failure is null)
        {
            Transport.LoseConnection();
            _totalBytes = _delivery!.TotalBytes;
            _detail = _delivery.IsStale ? ProxyServerFactory.Stale : null;
            ReleaseIfSent();
            return;
        }

        _failed = !failure.Check<CancelledError>();
        _detail = _failed ? failure.Message : null;
        Transport.AbortConnection();
    }

    private void CountFirstByte()
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            Service.FirstByte.Add(factory.Clock.Now - _start.Time);
        }
    }

    /// <summary>Once the kernel has all of it, the poem can be released before the client closes.</summary>
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
}
