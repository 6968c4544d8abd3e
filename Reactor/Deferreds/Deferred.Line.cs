using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>The line of what waits for the result.</summary>
/// <remarks>
/// What costs here is writing: each reference that is stored is noted for the garbage collector, which takes longer than to
/// read several. So a short line is a list that knows its beginning only: a link is put at its end with one store, and its
/// end is looked for. A ring with a pointer to its last took three.
/// </remarks>
public abstract partial class Deferred
{
    /// <summary>Up to here the end of a line is looked for; most have one or two links.</summary>
    private const int LongestShortLine = 8;

    /// <summary>The first in line; or, of a line that was once long, the <see cref="LongLine"/> before it.</summary>
    private ChainLink? _line;

    /// <summary>Puts a link at the end of the line, and lets it run if nothing is in the way.</summary>
    /// <exception cref="InvalidOperationException">The chain goes on under another type.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void AddLink(ChainLink link)
    {
        if ((_state & Superseded) != 0)
        {
            ThrowSuperseded();
        }

        Append(link);
        RunIfItCan();
    }

    /// <summary>Puts a link at the end of the line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void Append(ChainLink link)
    {
        Debug.Assert(link.Next is null, "a link stands in one line at a time");
        if (_line is null)
        {
            _line = link;
        }
        else
        {
            AppendBehind(_line, link);
        }
    }

    private void AppendBehind(ChainLink first, ChainLink link)
    {
        if (first is LongLine known)
        {
            known.Append(link);
            return;
        }

        ChainLink last = first;
        int length = 1;
        while (last.Next is { } next)
        {
            last = next;
            length++;
        }

        last.Next = link;
        if (length >= LongestShortLine)
        {
            _line = new LongLine(first, link);
        }
    }

    /// <summary>Takes the line out, to be run: who is added meanwhile begins a new one.</summary>
    private ChainLink TakeLine()
    {
        ChainLink line = _line!;
        _line = null;
        return line;
    }

    /// <summary>Puts back what was not run of a line, before those who were added meanwhile.</summary>
    private void PutBack(ChainLink? rest)
    {
        if (rest is null)
        {
            return;
        }

        ChainLink? added = _line;
        _line = rest;
        while (added is not null)
        {
            Append(RemoveFirst(ref added));
        }
    }

    /// <summary>Takes the first out of a line.</summary>
    /// <param name="line">Becomes what is left of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ChainLink RemoveFirst([DisallowNull] ref ChainLink? line)
    {
        ChainLink first = line;
        if (first is LongLine known)
        {
            first = known.RemoveFirst();
            if (known.Next is null)
            {
                line = null;
            }
        }
        else
        {
            line = first.Next;
            first.Next = null;
        }

        return first;
    }

    /// <summary>Stands before the first link of a long line, and knows the last.</summary>
    private sealed class LongLine : ChainLink
    {
        private ChainLink _last;

        public LongLine(ChainLink first, ChainLink last)
        {
            Next = first;
            _last = last;
        }

        public void Append(ChainLink link)
        {
            _last.Next = link;
            _last = link;
        }

        public ChainLink RemoveFirst()
        {
            ChainLink first = Next!;
            Next = first.Next;
            first.Next = null;
            return first;
        }

        internal override Deferred? Run(Deferred source) => throw new UnreachableException();
    }
}
