using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <content>
/// The clients that wait, in the order in which they joined, and the rounds that serve them. A round visits each client once,
/// and gives it everything that it does not have yet, or the end.
/// </content>
internal sealed partial class ProxyDownload
{
    /// <summary>A shorter poem that is not kept stays in memory until its end. Chosen: small against the pipe.</summary>
    private const int MinSplicedBytes = 128 * 1024;

    /// <summary>The minimum rate of the client, in bytes per second. Chosen.</summary>
    private const double MinSplicedRate = 10_000_000;

    private readonly DelayedCall _rounds;
    private readonly IntrusiveList<ProxyDelivery> _clients = new();

    /// <summary>The client that this round visits next; null between two rounds.</summary>
    private ProxyDelivery? _next;

    /// <summary>True if something has arrived or ended since the round began.</summary>
    private bool _hasNews;

    /// <summary>True if a client was given a part of the poem: then no other server can send it from its start.</summary>
    private bool _hasGiven;

    /// <summary>Every client visited in this round has taken the poem up to here.</summary>
    private long _slowestInRound;

    /// <summary>Every client had taken the poem up to here when the last round ended.</summary>
    private long _slowest;

    /// <summary>Adds a client, which gets the poem from its start.</summary>
    public void Add(ProxyDelivery delivery)
    {
        Debug.Assert(_stage == Stage.Fetching && HasAll, "a client joins while the whole poem can still be had");
        delivery.Attach(this, _poem);
        _clients.AddLast(delivery);
        _service.Waiters++;

        // A client may join during the last visit of a round, which then does not visit it: free nothing that it needs.
        _slowestInRound = 0;
        Wake();
    }

    /// <summary>Removes a client. The last one ends the download.</summary>
    public void Leave(ProxyDelivery delivery)
    {
        Debug.Assert(delivery.Waits, "a client that leaves is in the list");
        _next = _next == delivery ? IntrusiveList<ProxyDelivery>.Next(delivery) : _next;
        _clients.Remove(delivery);
        delivery.Detach();
        _service.Waiters--;
        if (_clients.First is not null)
        {
            // It may have been the slowest client, for which the others had to wait.
            ReaderDrained();
        }
        else if (_stage != Stage.Fetching)
        {
            Finish();
        }
        else if (NeedsClient)
        {
            Cancel();
        }
    }

    /// <summary>A client has taken everything that it was given. This matters only while the upstream is paused.</summary>
    public void ReaderDrained()
    {
        if (_paused)
        {
            Wake();
        }
    }

    /// <summary>Makes a round begin in the next turn, or after the present round.</summary>
    private void Wake()
    {
        _hasNews = true;
        if (!_rounds.Active)
        {
            _rounds.Rearm(TimeSpan.Zero);
        }
    }

    private void ServeSome()
    {
        if (_next is null)
        {
            _next = _clients.First;
            _hasNews = false;
            _slowestInRound = long.MaxValue;
        }

        for (int visits = 0; visits < _options.VisitsPerTurn && _next is { } delivery; visits++)
        {
            _next = IntrusiveList<ProxyDelivery>.Next(delivery);
            Visit(delivery);
        }

        if (_stage == Stage.Cancelled || _clients.First is null)
        {
            return;
        }

        if (_next is null)
        {
            RoundEnded();
        }

        if (_next is not null || _hasNews)
        {
            _rounds.Rearm(TimeSpan.Zero);
        }
    }

    /// <summary>Serves one client. An exception ends the delivery to that client, and to no other.</summary>
    private void Visit(ProxyDelivery delivery)
    {
        try
        {
            switch (_stage)
            {
                case Stage.Fetching:
                    if (!Buffers)
                    {
                        _hasGiven |= _poem.Length > 0;
                        delivery.GiveRest();
                    }

                    // Also if it is given nothing yet: the poem may begin to pass through before the round is over.
                    _slowestInRound = Math.Min(_slowestInRound, delivery.Reader.BytesTaken);
                    break;
                case Stage.Complete:
                    GiveAll(delivery);
                    break;
                default:
                    Refuse(delivery);
                    break;
            }
        }
        catch (Exception exception)
        {
            _service.ReaderThrew(exception);
            Dismiss(delivery, new Failure(exception));
        }
    }

    /// <summary>
    /// The fetch has failed. A client that has nothing yet gets another fetch if the shared cache has failed and not the
    /// upstream; else it gets the stale poem, if there is one.
    /// </summary>
    private void Refuse(ProxyDelivery delivery)
    {
        if (delivery.Given == 0 && _failure!.Check<SharedCutError>() && !_service.IsPaused)
        {
            Leave(delivery);
            _service.Fetch(delivery);
        }
        else if (delivery.Given == 0 && _service.StalePoem is { } stale)
        {
            delivery.SwitchTo(stale);
            _service.StaleServed++;
            GiveAll(delivery);
        }
        else
        {
            Dismiss(delivery, _failure);
        }
    }

    /// <summary>Gives a client the rest of its poem, and the end.</summary>
    private void GiveAll(ProxyDelivery delivery)
    {
        delivery.GiveRest();
        Dismiss(delivery, failure: null);
    }

    /// <summary>Reports the end to a client that has not left. It is removed first, so that it can't be removed twice.</summary>
    private void Dismiss(ProxyDelivery delivery, Failure? failure)
    {
        if (delivery.Waits)
        {
            Leave(delivery);
            delivery.Reader.Ended(failure);
        }
    }

    /// <summary>Frees what every client has taken, and resumes the upstream if no client is far behind.</summary>
    private void RoundEnded()
    {
        if (_stage != Stage.Fetching)
        {
            return;
        }

        _slowest = Math.Min(_slowestInRound, _poem.Length);
        if (!PassesThrough && !(MayForget && TryPassThrough()))
        {
            return;
        }

        _poem.ReleaseBefore(_slowest);
        if (_slowest == _poem.Length && SpliceCandidate is { } only)
        {
            BeginSplicing(only);
        }

        if (_paused && _poem.Length - _slowest <= WindowBytes)
        {
            _paused = false;
            _upstream?.ResumeProducing();
        }
    }

    /// <summary>The only client, if the kernel may send it the rest of the poem directly; else null.</summary>
    private ProxyDelivery? SpliceCandidate =>
        !_triedToSplice && _upstream is PoemClient && _clients.First is { Reader.Connection: not null } first
        && IntrusiveList<ProxyDelivery>.Next(first) is null ? first : null;

    /// <summary>
    /// True if the poem is not kept, and its only client takes it so fast that the next client will probably come after its end.
    /// The kernel can then send it. A client that comes before the end can't join, and causes another fetch. That one is not
    /// spliced beside this one: all later clients can join it, so the upstream never sends more than two.
    /// </summary>
    private bool MayForget =>
        OperatingSystem.IsLinux() && _options.Lifetime == TimeSpan.Zero && !_options.StoreAndForward
        && SpliceCandidate is not null && _service is { FetchesInFlight: 1, ClientsProbing: 0 }
        && _slowest >= MinSplicedBytes && _slowest >= (_service.Clock.Now - _firstByteAt).TotalSeconds * MinSplicedRate;

    /// <summary>From now on the poem goes from socket to socket, if there is room for the pipe. No client can join.</summary>
    private void BeginSplicing(ProxyDelivery only)
    {
        _triedToSplice = true;
        if (!_cache.TryMakeRoom(SplicePipe.Capacity))
        {
            return;
        }

        _poem.Bypass(SplicePipe.Capacity);
        if (!((PoemClient)_upstream!).TrySplice(only.Reader.Connection!, Spliced))
        {
            _poem.Bypass(0);
        }
    }

    /// <summary>The kernel has taken bytes for the client. While some of them are not sent yet, the upstream is paused.</summary>
    private void Spliced(int count)
    {
        if (_stage != Stage.Fetching)
        {
            return;
        }

        ReceivedBytes += count;
        _poem.Skip(count);
        ProxyDelivery only = _clients.First!;
        only.Given += count;
        _slowest = only.Reader.BytesTaken;
        if (!_paused && _slowest < _poem.Length)
        {
            _paused = true;
            _upstream?.PauseProducing();
        }
    }
}
