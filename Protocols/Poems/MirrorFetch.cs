using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Fetches a poem from the first of its mirrors that delivers it, and remembers which of them failed: those are tried last
/// for a while. Belongs to one reactor.
/// </summary>
/// <param name="mirrors">The servers.</param>
/// <param name="clock">Measures how long a mirror is tried last.</param>
/// <param name="fetch">Fetches from one server; cancelling its deferred stops it.</param>
internal sealed class MirrorFetch(PoemMirrors mirrors, IClock clock, Func<Endpoint, IPoemReceiver, Deferred<long>> fetch)
{
    /// <summary>Chosen, as in nginx (fail_timeout): a restart of a server is over by then.</summary>
    private static readonly TimeSpan FailureMemory = TimeSpan.FromSeconds(10);

    /// <summary>Until when each mirror is tried last.</summary>
    private readonly TimeSpan[] _failedUntil = new TimeSpan[mirrors.Endpoints.Length];

    /// <summary>Called when a mirror failed and the next one is tried; null for nothing.</summary>
    public Action<Endpoint, Exception>? FailedOver { get; init; }

    /// <summary>Fetches the poem.</summary>
    /// <param name="receiver">Receives it. What came from a mirror that failed is dropped by
    /// <see cref="IPoemReceiver.TryRestart"/>; if that refuses, the fetch fails.</param>
    /// <returns>As <see cref="PoemFetch.Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>; fails with a
    /// <see cref="MirrorsFailedError"/>, or with the error of the only mirror, or with one that is no reason for the next.</returns>
    public Deferred<long> Start(IPoemReceiver receiver) =>
        mirrors.Endpoints.Length == 1 ? fetch(mirrors.First, receiver) : TryAll(receiver);

    private async Deferred<long> TryAll(IPoemReceiver receiver)
    {
        int[] order = Order();
        string failures = string.Empty;
        for (int i = 0; true; i++)
        {
            Endpoint mirror = mirrors.Endpoints[order[i]];
            try
            {
                long length = await fetch(mirror, receiver);
                _failedUntil[order[i]] = TimeSpan.Zero;
                return length;
            }
            catch (Exception error) when (PoemFetch.MayRetry(error))
            {
                _failedUntil[order[i]] = SaturatedTime.Add(clock.Now, FailureMemory);
                failures += $"{(i == 0 ? string.Empty : "; ")}{mirror}: {error.Message}";
                if (i == order.Length - 1 || !receiver.TryRestart())
                {
                    throw new MirrorsFailedError(failures, error);
                }

                FailedOver?.Invoke(mirror, error);
            }
        }
    }

    /// <summary>The healthy ones as listed, then those that failed lately, the one that failed first in front.</summary>
    private int[] Order()
    {
        int[] order = new int[_failedUntil.Length];
        TimeSpan[] keys = new TimeSpan[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            // Negative keys keep the healthy ones in front, in their order.
            order[i] = i;
            keys[i] = _failedUntil[i] > clock.Now ? _failedUntil[i] : TimeSpan.FromTicks(i - order.Length);
        }

        Array.Sort(keys, order);
        return order;
    }
}
