using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>
/// The links of the chain, which wait for the result. Storing a reference costs more than reading several, because the
/// garbage collector has to record the store. So a short chain is a list that knows only its first link: appending searches
/// the end and makes one store. A ring with a pointer to its last link made three.
/// </content>
public abstract partial class Deferred
{
    /// <summary>The maximum length of a list whose end is searched; most lists have one or two links.</summary>
    private const int MaxListLength = 8;

    /// <summary>The first link; in a chain that was long, the <see cref="LinkQueue"/> before it.</summary>
    private ChainLink? _links;

    /// <summary>Appends a link, and runs it if the chain can run.</summary>
    /// <exception cref="InvalidOperationException">The chain continues under another type.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void AddLink(ChainLink link)
    {
        AssertThread();
        ThrowIfSuperseded();
        Append(link);
        RunIfItCan();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void Append(ChainLink link)
    {
        Debug.Assert(link.Next is null, "a link is in one chain at a time");
        if (_links is null)
        {
            _links = link;
        }
        else
        {
            AppendAfter(_links, link);
        }
    }

    private void AppendAfter(ChainLink first, ChainLink link)
    {
        if (first is LinkQueue known)
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
        if (length >= MaxListLength)
        {
            _links = new LinkQueue(first, link);
        }
    }

    /// <summary>Takes the links out of the chain, to run them. Links that are added meanwhile begin a new list.</summary>
    private ChainLink TakeLinks()
    {
        ChainLink links = _links!;
        _links = null;
        return links;
    }

    /// <summary>Puts back the links that were not run, before the links that were added meanwhile.</summary>
    private void PutBack(ChainLink? rest)
    {
        if (rest is null)
        {
            return;
        }

        ChainLink? added = _links;
        _links = rest;
        while (added is not null)
        {
            Append(RemoveFirst(ref added));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ChainLink RemoveFirst([DisallowNull] ref ChainLink? links)
    {
        ChainLink first = links;
        if (first is LinkQueue known)
        {
            first = known.RemoveFirst();
            if (known.Next is null)
            {
                links = null;
            }
        }
        else
        {
            links = first.Next;
            first.Next = null;
        }

        return first;
    }

    /// <summary>The head of a long list: it knows the last link.</summary>
    private sealed class LinkQueue : ChainLink
    {
        private ChainLink _last;

        public LinkQueue(ChainLink first, ChainLink last)
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
