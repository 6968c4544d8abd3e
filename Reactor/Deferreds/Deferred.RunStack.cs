using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>The memory of the loop that runs chains.</summary>
public abstract partial class Deferred
{
    /// <summary>
    /// The deferreds to come back to. They lie in one array a thread, which loops within loops share, so that a push is a
    /// store; most loops never touch it.
    /// </summary>
    private struct RunStack
    {
        private const int SmallestStack = 16;

        /// <summary>32 KiB: what a flood has needed is given back after it.</summary>
        private const int LargestStackKept = 4096;

        [ThreadStatic]
        private static Item[]? _items;

        [ThreadStatic]
        private static int _count;

        private int _mine;

        public readonly bool IsEmpty => _mine == 0;

        public void Push(Deferred deferred)
        {
            Item[] items = _items ??= new Item[SmallestStack];
            if (_count == items.Length)
            {
                Array.Resize(ref items, _count * 2);
                _items = items;
            }

            items[_count++].Deferred = deferred;
            _mine++;
        }

        public Deferred Pop()
        {
            Debug.Assert(_mine > 0, "a loop comes back to its own only");
            Item[] items = _items!;
            ref Item item = ref items[--_count];
            Deferred deferred = item.Deferred!;
            item.Deferred = null;
            _mine--;
            if (_count == 0 && items.Length > LargestStackKept)
            {
                _items = null;
            }

            return deferred;
        }

        /// <summary>An array of structs is written without asking whether the element fits.</summary>
        private struct Item
        {
            public Deferred? Deferred;
        }
    }
}
