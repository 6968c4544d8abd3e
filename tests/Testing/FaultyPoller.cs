using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>A backend that works, counts what is asked of it, and refuses when the test says so.</summary>
internal sealed class FaultyPoller(Poller poller) : Poller(poller.Name)
{
    /// <summary>So many of the next descriptors are not taken: ENOSPC.</summary>
    public int RefusedAdds { get; set; }

    public int Adds { get; private set; }

    public int Changes { get; private set; }

    public int Removes { get; private set; }

    /// <summary>Waits that found something.</summary>
    public int Wakes { get; private set; }

    public override Errno Add(nint handle, ulong token, Interest interest)
    {
        if (RefusedAdds > 0)
        {
            RefusedAdds--;
            return Errno.ENOSPC;
        }

        Adds++;
        return poller.Add(handle, token, interest);
    }

    public override Errno Change(nint handle, ulong token, Interest before, Interest interest)
    {
        Changes++;
        return poller.Change(handle, token, before, interest);
    }

    public override void Remove(nint handle, Interest before, bool closesNext)
    {
        Removes++;
        poller.Remove(handle, before, closesNext);
    }

    public override int Wait(Span<ReadyEvent> ready, int timeoutMs)
    {
        int count = poller.Wait(ready, timeoutMs);
        Wakes += count > 0 ? 1 : 0;
        return count;
    }

    public override void Dispose() => poller.Dispose();
}
