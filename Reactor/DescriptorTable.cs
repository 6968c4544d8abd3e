using System.Collections.Generic;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Which descriptor a token stands for. A token is a place in the table and the generation of that place: when a place is
/// used again its generation goes up, so that an event which was already under way for the one before finds nobody.
/// </summary>
internal sealed class DescriptorTable
{
    /// <summary>
    /// Places in one page. The table grows by pages that never move: doubling one array would leave half a megabyte of old
    /// ones behind on the way to ten thousand connections.
    /// </summary>
    private const int PageSize = 256;

    private readonly List<Place[]> _pages = [];
    private int _firstFree = -1;
    private int _used;

    /// <summary>How many descriptors are in the table.</summary>
    public int Count { get; private set; }

    /// <summary>Finds the descriptor a token stands for.</summary>
    /// <returns>Null for a token whose descriptor has gone.</returns>
    public Descriptor? Find(ulong token)
    {
        uint place = (uint)token;
        return place < (uint)_used && PlaceAt((int)place).Occupant is { } descriptor && descriptor.Token == token ? descriptor : null;
    }

    /// <summary>Gives a descriptor a place and its <see cref="Descriptor.Token"/>.</summary>
    public void Add(Descriptor descriptor)
    {
        Debug.Assert(!descriptor.IsWatched, "a descriptor has one place");
        int place = _firstFree;
        if (place >= 0)
        {
            _firstFree = PlaceAt(place).NextFree;
        }
        else
        {
            place = _used++;
            if (place == _pages.Count * PageSize)
            {
                _pages.Add(new Place[PageSize]);
            }
        }

        ref Place chosen = ref PlaceAt(place);
        chosen.Occupant = descriptor;
        descriptor.Token = ((ulong)++chosen.Generation << 32) | (uint)place;
        Count++;
    }

    /// <summary>Takes the place back. Its token will never be given out again (in four thousand million lives).</summary>
    public void Remove(Descriptor descriptor)
    {
        int place = (int)(uint)descriptor.Token;
        ref Place left = ref PlaceAt(place);
        Debug.Assert(left.Occupant == descriptor, "the place is the descriptor's own");
        descriptor.Token = 0;
        left.Occupant = null;
        left.NextFree = _firstFree;
        _firstFree = place;
        Count--;
    }

    /// <summary>All descriptors of this moment, for the end of the reactor.</summary>
    public Descriptor[] Snapshot()
    {
        var all = new Descriptor[Count];
        int count = 0;
        for (int place = 0; place < _used; place++)
        {
            if (PlaceAt(place).Occupant is { } descriptor)
            {
                all[count++] = descriptor;
            }
        }

        return all;
    }

    private ref Place PlaceAt(int place) => ref _pages[place / PageSize][place % PageSize];

    private struct Place
    {
        public Descriptor? Occupant;
        public uint Generation;
        public int NextFree;
    }
}
