using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>The memory of the loop that runs chains.</summary>
public abstract partial class Deferred
{
    /// <summary>
    /// The deferreds to come back to, in one array per thread. Nested loops share it, so a push is one store; most loops
    /// never touch it.
    /// </summary>
    private struct RunStack
    {
        private const int MinStack = 16;

        /// <summary>32 KiB: a larger array is freed after the burst that needed it.</summary>
        private const int MaxStackKept = 4096;

        [ThreadStatic]
        private static Item[]? _items;

        [ThreadStatic]
        private static int _count;

        private int _mine;

        public readonly bool IsEmpty => _mine == 0;

        public void Push(Deferred deferred)
        {
            Item[] items = _items ??= new Item[MinStack];
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
            Debug.Assert(_mine > 0, "a loop pops only what it has pushed");
            Item[] items = _items!;
            ref Item item = ref items[--_count];
            Deferred deferred = item.Deferred!;
            item.Deferred = null;
            _mine--;
            if (_count == 0 && items.Length > MaxStackKept)
            {
                _items = null;
            }

            return deferred;
        }

        /// <summary>A struct, since an array of classes checks the type at every store.</summary>
        private struct Item
        {
            public Deferred? Deferred;
        }
    }
}
