using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Fetches a poem from the first of its mirrors that delivers it. A mirror that failed is tried last for some time. Belongs
/// to one reactor.
/// </summary>
/// <param name="mirrors">The servers.</param>
/// <param name="clock">The clock that measures this time.</param>
/// <param name="fetch">Fetches from one server; cancelling its deferred stops it.</param>
internal sealed class MirrorFetch(PoemMirrors mirrors, IClock clock, Func<Endpoint, IPoemReceiver, Deferred<long>> fetch)
{
    /// <summary>The time for which a failed mirror is tried last. Chosen, as in nginx (fail_timeout): enough for a restart.</summary>
    private static readonly TimeSpan FailureMemory = TimeSpan.FromSeconds(10);

    /// <summary>The time until which each mirror is tried last.</summary>
    private readonly TimeSpan[] _failedUntil = new TimeSpan[mirrors.Endpoints.Length];

    /// <summary>Called when a mirror failed and the next one is tried; null for nothing.</summary>
    public Action<Endpoint, Exception>? FailedOver { get; init; }

    /// <summary>Fetches the poem.</summary>
    /// <param name="receiver">Receives the poem. If a mirror fails, <see cref="IPoemReceiver.TryRestart"/> drops the bytes that
    /// came from it; if that returns false, the fetch fails.</param>
    /// <returns>As <see cref="PoemFetch.Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>; but fails with a
    /// <see cref="MirrorsFailedError"/>, with the error of the only mirror, or with an error that ends the fetch at once.</returns>
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

    /// <summary>The order of the mirrors: the healthy ones as listed, then the failed ones, the earliest failure first.</summary>
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
