using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <content>
/// Those who wait, in the order in which they came, and the rounds in which they are served. A round visits each once, and
/// gives it all that it does not have yet, or the end.
/// </content>
internal sealed partial class ProxyDownload
{
    private readonly DelayedCall _rounds;
    private ProxyDelivery? _first;
    private ProxyDelivery? _last;

    /// <summary>Who is visited next in this round; null between two rounds.</summary>
    private ProxyDelivery? _next;

    /// <summary>There is something new since the round began.</summary>
    private bool _hasNews;

    /// <summary>Up to here all whom this round has visited so far have taken the poem.</summary>
    private long _slowestSoFar;

    /// <summary>Up to here everybody had taken it when the last round ended.</summary>
    private long _slowest;

    /// <summary>Adds a client, who gets the poem from its start.</summary>
    public ProxyDelivery Add(IPoemReader reader)
    {
        Debug.Assert(_stage == Stage.Fetching && HasAll, "the poem can still be had here, all of it");
        var delivery = new ProxyDelivery(this, _poem, reader) { Before = _last };
        if (_last is null)
        {
            _first = delivery;
        }
        else
        {
            _last.After = delivery;
        }

        _last = delivery;
        _service.WaiterJoined();

        // Who joins from within the last visit of a round is not visited in it: nothing may be freed that he needs.
        _slowestSoFar = 0;
        Wake();
        return delivery;
    }

    /// <summary>A client is no longer there. If it was the last, there is nobody to fetch for.</summary>
    public void Leave(ProxyDelivery delivery)
    {
        Remove(delivery);
        if (_first is not null)
        {
            // It may have been the slowest, for whom all others had to wait.
            ReaderDrained();
        }
        else if (_stage == Stage.Fetching)
        {
            Cancel();
        }
        else
        {
            Finish();
        }
    }

    /// <summary>A client has taken what it had: only where all are held to the pace of the slowest is that news.</summary>
    public void ReaderDrained()
    {
        if (_paused)
        {
            Wake();
        }
    }

    /// <summary>There is something for the clients: a round begins in the next turn, or after the one that is on.</summary>
    public void Wake()
    {
        _hasNews = true;
        Arm();
    }

    private void Arm()
    {
        if (!_rounds.Active)
        {
            _rounds.Rearm(TimeSpan.Zero);
        }
    }

    private void ServeSome()
    {
        if (_next is null)
        {
            _next = _first;
            _hasNews = false;
            _slowestSoFar = long.MaxValue;
        }

        for (int visits = 0; visits < _options.VisitsPerTurn && _next is { } delivery; visits++)
        {
            _next = delivery.After;
            Visit(delivery);
        }

        if (_stage == Stage.Cancelled || _first is null)
        {
            return;
        }

        if (_next is null)
        {
            RoundEnded();
        }

        if (_next is not null || _hasNews)
        {
            Arm();
        }
    }

    /// <summary>Serves one client; what goes wrong there costs nobody else anything.</summary>
    private void Visit(ProxyDelivery delivery)
    {
        try
        {
            switch (_stage)
            {
                case Stage.Fetching:
                    if (PassesThrough || !_service.Buffers)
                    {
                        delivery.GiveRest();
                    }

                    // Also of those that are given nothing yet: the poem may begin to pass before the round is over.
                    _slowestSoFar = Math.Min(_slowestSoFar, delivery.Reader.BytesTaken);
                    break;
                case Stage.Complete:
                    delivery.GiveRest();
                    Dismiss(delivery)?.Succeed();
                    break;
                default:
                    Refuse(delivery);
                    break;
            }
        }
        catch (Exception exception)
        {
            _service.ReaderThrew(exception);
            Dismiss(delivery)?.Fail(new Failure(exception));
        }
    }

    /// <summary>The fetch has failed: who has nothing yet gets the stale poem, if there is one; the others get no more.</summary>
    private void Refuse(ProxyDelivery delivery)
    {
        if (delivery.Given == 0 && _service.StalePoem is { } stale)
        {
            delivery.SwitchTo(stale);
            delivery.GiveRest();
            _service.CountStaleServed();
            Dismiss(delivery)?.Succeed();
        }
        else
        {
            Dismiss(delivery)?.Fail(_failure!);
        }
    }

    /// <summary>Takes a client out before it is told of the end: whatever it does then, it is out.</summary>
    /// <returns>Null if it has left already.</returns>
    private ProxyDelivery? Dismiss(ProxyDelivery delivery)
    {
        if (!delivery.Waits)
        {
            return null;
        }

        Leave(delivery);
        return delivery;
    }

    /// <summary>Everybody was visited: what all have taken is freed, and the upstream may send on if none is far behind.</summary>
    private void RoundEnded()
    {
        if (_stage != Stage.Fetching || !PassesThrough)
        {
            return;
        }

        _slowest = Math.Min(_slowestSoFar, _poem.Length);
        _poem.ReleaseBefore(_slowest);
        if (_paused && _poem.Length - _slowest <= WindowBytes)
        {
            _paused = false;
            _upstream?.ResumeProducing();
        }
    }

    private void Remove(ProxyDelivery delivery)
    {
        Debug.Assert(delivery.Waits, "who leaves was in line");
        if (_next == delivery)
        {
            _next = delivery.After;
        }

        if (delivery.Before is null)
        {
            _first = delivery.After;
        }
        else
        {
            delivery.Before.After = delivery.After;
        }

        if (delivery.After is null)
        {
            _last = delivery.Before;
        }
        else
        {
            delivery.After.Before = delivery.Before;
        }

        delivery.Before = null;
        delivery.After = null;
        delivery.Detach();
        _service.WaiterLeft();
    }
}
