using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Sends the poem of an upstream to each client, and closes gracefully. If it can't get the poem, or the rest of it, it resets
/// the connection. Bytes from the client are dropped.
/// </summary>
/// <remarks>
/// A poem from memory is sent as <see cref="PoemServer"/> sends one, and the client may half-close. A client that waits for a
/// fetch counts as gone when its input ends. A client that would cause a fetch must stay for a short time first: a
/// balancer's health check does not.
/// </remarks>
internal sealed class ProxyServer(ProxyServerFactory factory) : Protocol, IPoemReader, IProducer
{
    /// <summary>The detail in the record of a client that was given a poem older than its lifetime.</summary>
    private const string Stale = "stale";

    private PoemBuffer? _cached;
    private ProxyDelivery? _delivery;
    private DelayedCall? _probeTimer;
    private ConnectionStart _start;
    private long _totalBytes;
    private string? _detail;

    /// <summary>The outcome for the client; null if the end of the connection tells it.</summary>
    private ConnectionOutcome? _outcome;
    private bool _mayBeProbe;
    private bool _isHit;
    private bool _hasBegun;

    public long BytesTaken => Transport.BytesSent;

    StreamTransport? IPoemReader.Connection => Transport as StreamTransport;

    private ProxyService Service => factory.Service;

    protected internal override void ConnectionMade()
    {
        _start = new ConnectionStart(Service.Clock);
        _totalBytes = -1;
        _detail = null;
        _isHit = false;
        _hasBegun = false;
        _outcome = null;
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
            _probeTimer = Service.Clock.CallLater(Service.Options.ProbeDelay, this, static server => server.Stayed());
        }
        else
        {
            _probeTimer.Rearm(Service.Options.ProbeDelay);
        }
    }

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

    public void Ended(Failure? failure)
    {
        if (failure is not null)
        {
            _outcome = ConnectionOutcome.Failed;
            _detail = failure.Message;
            Transport.AbortConnection();
            return;
        }

        Transport.LoseConnection();
        _totalBytes = _delivery!.TotalBytes;
        _detail = _delivery.IsStale ? Stale : null;
        ReleaseIfSent();
    }

    /// <summary>No action: the download paces the upstream by its slowest client.</summary>
    public void PauseProducing()
    {
    }

    public void ResumeProducing() => _delivery?.Drained();

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (_mayBeProbe)
        {
            BeginWaiting();
        }
    }

    protected internal override void ReadConnectionLost()
    {
        if (!_mayBeProbe && _delivery is not { Waits: true })
        {
            base.ReadConnectionLost();
            return;
        }

        // The reset comes first: it drops the queued bytes, so that the poem can be released.
        _outcome = ConnectionOutcome.Left;
        Transport.AbortConnection();
        Release();
    }

    protected internal override void AllSent() => Release();

    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _probeTimer?.CancelIfActive();
        if (_mayBeProbe)
        {
            Service.ClientsProbing--;
            Service.Probes++;
        }

        long totalBytes = _totalBytes >= 0 ? _totalBytes : _delivery?.TotalBytes ?? -1;
        ConnectionRecord record = _start.End(
            Transport,
            Service.Clock.Now,
            "proxied",
            Service.Upstream,
            totalBytes,
            _outcome ?? ConnectionRecord.OutcomeOf(reason)) with
        {
            Detail = _detail,
        };
        if (_isHit)
        {
            // Not earlier: only the end of the connection tells whether it was a balancer's health check.
            Service.LogHit(in record);
            if (!record.IsProbe)
            {
                Service.Refresh();
            }
        }

        record.Log(factory.Log, _mayBeProbe ? LogLevel.Debug : LogLevel.Information);
        Release();
    }

    /// <summary>Answers without a new fetch, if that is possible.</summary>
    private bool TryAnswer()
    {
        if (Service.TryAcquireCached(out bool isStale) is { } poem)
        {
            _detail = isStale ? Stale : null;
            _isHit = true;
            SendCached(poem);
        }
        else if (Service.CanJoin)
        {
            Wait();
        }
        else if (Service.IsPaused)
        {
            _outcome = ConnectionOutcome.Failed;
            _detail = Service.Refuse();
            Transport.AbortConnection();
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>The client has stayed, so it is not a health check: it waits for the poem, or a refresh replaces the old poem
    /// that it was given.</summary>
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
            Wait();
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

    private void Wait()
    {
        _delivery = Service.Join(this);
        Transport.RegisterProducer(this);
    }

    private void CountFirstByte()
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            Service.FirstByte.Add(Service.Clock.Now - _start.Time);
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
        ProxyDelivery? delivery = _delivery;
        _delivery = null;
        delivery?.End();
        _cached?.Release();
        _cached = null;
    }
}
