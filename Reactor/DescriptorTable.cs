using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Maps tokens to descriptors. A token is a slot of the table and the generation of that slot. The generation grows each time
/// the slot is used again: an event of the slot's previous descriptor then finds none.
/// </summary>
internal sealed class DescriptorTable
{
    /// <summary>
    /// The number of slots in one page. The table grows by pages that never move: doubling one array would leave half a
    /// megabyte of garbage on the way to ten thousand connections.
    /// </summary>
    private const int PageSize = 256;

    private readonly List<Slot[]> _pages = [];
    private int _firstFree = -1;
    private int _used;

    /// <returns>Null if the descriptor of the token was removed.</returns>
    public Descriptor? Find(ulong token)
    {
        uint slot = (uint)token;
        return slot < (uint)_used && SlotAt((int)slot).Occupant is { } descriptor && descriptor.Token == token ? descriptor : null;
    }

    /// <summary>Adds a descriptor and sets its <see cref="Descriptor.Token"/>.</summary>
    public void Add(Descriptor descriptor)
    {
        Debug.Assert(!descriptor.IsWatched, "a descriptor has one slot");
        int slot = _firstFree;
        if (slot >= 0)
        {
            _firstFree = SlotAt(slot).NextFree;
        }
        else
        {
            slot = _used;
            if (slot == _pages.Count * PageSize)
            {
                _pages.Add(new Slot[PageSize]);
            }

            _used++;
        }

        ref Slot chosen = ref SlotAt(slot);
        chosen.Occupant = descriptor;
        descriptor.Token = ((ulong)++chosen.Generation << 32) | (uint)slot;
    }

    /// <summary>Frees the slot. Its token is unique until 2^32 other descriptors have used the slot.</summary>
    public void Remove(Descriptor descriptor)
    {
        int slot = (int)(uint)descriptor.Token;
        ref Slot left = ref SlotAt(slot);
        Debug.Assert(left.Occupant == descriptor, "the slot is the descriptor's own");
        descriptor.Token = 0;
        left.Occupant = null;
        left.NextFree = _firstFree;
        _firstFree = slot;
    }

    /// <summary>A copy of all descriptors, for the end of the reactor.</summary>
    public List<Descriptor> Snapshot()
    {
        var all = new List<Descriptor>();
        for (int slot = 0; slot < _used; slot++)
        {
            if (SlotAt(slot).Occupant is { } descriptor)
            {
                all.Add(descriptor);
            }
        }

        return all;
    }

    private ref Slot SlotAt(int slot) => ref _pages[slot / PageSize][slot % PageSize];

    private struct Slot
    {
        public Descriptor? Occupant;
        public uint Generation;
        public int NextFree;
    }
}
