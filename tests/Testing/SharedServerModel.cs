using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// The server of a shared cache, in memory: values and locks that expire by its own clock, subscribers, and what can go wrong
/// with it. <see cref="SharedLinkModel"/> is a proxy's way to it.
/// </summary>
/// <param name="clock">Its clock, and that of the network.</param>
internal sealed class SharedServerModel(IClock clock)
{
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly List<Action> _held = [];

    public IClock Clock => clock;

    /// <summary>How long a message takes; by default no time, but a turn of the clock.</summary>
    public Func<TimeSpan> Delay { get; set; } = static () => TimeSpan.Zero;

    /// <summary>True if a message is lost, and its connection with it.</summary>
    public Func<bool> Loses { get; set; } = static () => false;

    /// <summary>True if connections are refused, and cut.</summary>
    public bool IsDown { get; set; }

    /// <summary>What writes are refused with; null if they are not.</summary>
    public string? WriteError { get; set; }

    /// <summary>What poems are refused with; null if they are not.</summary>
    public string? StoreError { get; set; }

    /// <summary>True if locks are not renewed, and not replaced, for the same reason.</summary>
    public bool RefusesScripts { get; set; }

    /// <summary>True while it answers nothing.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Links with a subscription that has not ended.</summary>
    public List<SharedLinkModel> Subscribers { get; } = [];

    /// <summary>The most bytes of a value that arrive at once.</summary>
    public int PieceBytes { get; set; } = int.MaxValue;

    /// <summary>Operations that were carried out, by name.</summary>
    public Dictionary<string, int> Operations { get; } = [];

    /// <summary>The greatest stamp of the purges of each key so far: see <see cref="SharedLinkModel.Stamp"/>.</summary>
    public Dictionary<string, int> Purges { get; } = [];

    public IEnumerable<string> Keys => _entries.Keys.Where(key => Find(key) is not null);

    public byte[]? ValueOf(string key) => Find(key)?.Bytes;

    public string? HolderOf(string key) => Find(SharedNames.LockOf(key))?.Token;

    /// <summary>What is left of the life of a value; null if there is none.</summary>
    public TimeSpan? LifeOf(string key) => Find(key) is { } entry ? Left(entry) : null;

    /// <summary>Carries an operation out when it can, in the order of arrival.</summary>
    public void Run(string name, Action operation)
    {
        void Counted()
        {
            Operations[name] = Operations.GetValueOrDefault(name) + 1;
            operation();
        }

        if (IsPaused)
        {
            _held.Add(Counted);
        }
        else
        {
            Counted();
        }
    }

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        Action[] held = [.. _held];
        _held.Clear();
        foreach (Action operation in held)
        {
            operation();
        }
    }

    /// <summary>It dies, and everything in it.</summary>
    public void Crash()
    {
        IsDown = true;
        IsPaused = false;
        _held.Clear();
        _entries.Clear();
        foreach (SharedLinkModel link in Subscribers.ToArray())
        {
            link.LoseSubscription();
        }
    }

    /// <summary>An operator or another program writes something; null is a value of another type.</summary>
    public void Plant(string key, string? text, TimeSpan lifetime) =>
        _entries[key] = new Entry(text is null ? null : System.Text.Encoding.UTF8.GetBytes(text), text, Until(lifetime));

    public void Evict(string key) => _entries.Remove(key);

    public (byte[] Bytes, TimeSpan Left)? Get(string key) =>
        Find(key) is { Bytes: { } bytes } entry ? (bytes, Left(entry)) : null;

    public SharedLock TryLock(string key, string token, bool replacesInvalid)
    {
        Entry? entry = Find(SharedNames.LockOf(key));
        bool isInvalid = entry is not null && Left(entry) > SharedNames.Lease;
        if (entry is not null && !(isInvalid && replacesInvalid))
        {
            return isInvalid ? SharedLock.Invalid : SharedLock.Held;
        }

        Plant(SharedNames.LockOf(key), token, SharedNames.Lease);
        return SharedLock.Taken;
    }

    public bool Renew(string key, string token)
    {
        bool isHeld = HolderOf(key) == token;
        if (isHeld)
        {
            Plant(SharedNames.LockOf(key), token, SharedNames.Lease);
        }

        return isHeld;
    }

    public bool Store(string key, string token, byte[] value, TimeSpan lifetime)
    {
        bool isHeld = HolderOf(key) == token;
        if (isHeld)
        {
            _entries[key] = new Entry(value, null, Until(lifetime));
            Evict(SharedNames.LockOf(key));
        }

        return isHeld;
    }

    public void Unlock(string key, string token)
    {
        if (HolderOf(key) == token)
        {
            Evict(SharedNames.LockOf(key));
        }
    }

    public void Purge(IReadOnlyList<string> keys, int stamp)
    {
        foreach (string key in keys)
        {
            Evict(key);
            Evict(SharedNames.LockOf(key));
            Purges[key] = Math.Max(stamp, Purges.GetValueOrDefault(key));
            foreach (SharedLinkModel link in Subscribers.ToArray())
            {
                link.Hear(key, stamp);
            }
        }
    }

    private Entry? Find(string key)
    {
        if (_entries.TryGetValue(key, out Entry? entry) && entry.Until <= clock.Now)
        {
            _entries.Remove(key);
            entry = null;
        }

        return entry;
    }

    private TimeSpan Left(Entry entry) => entry.Until == TimeSpan.MaxValue ? TimeSpan.MaxValue : entry.Until - clock.Now;

    private TimeSpan Until(TimeSpan lifetime) => SaturatedTime.Add(clock.Now, lifetime);

    private sealed record Entry(byte[]? Bytes, string? Token, TimeSpan Until);
}
