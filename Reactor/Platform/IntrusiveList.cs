using System.Diagnostics;

namespace Poetry.Net;

/// <summary>An element of an <see cref="IntrusiveList{T}"/>. It holds its links itself, so that a list needs no memory.</summary>
internal interface IListElement<T>
    where T : class, IListElement<T>
{
    /// <summary>The links. Only the list uses them; the element stores them.</summary>
    ref ListLinks<T> Links { get; }
}

/// <summary>The neighbours of an element, and the list that it is in.</summary>
internal struct ListLinks<T>
    where T : class, IListElement<T>
{
    public IntrusiveList<T>? List;
    public T? Previous;
    public T? Next;
}

/// <summary>A doubly linked list of elements that hold their links themselves. An element is in at most one list.</summary>
internal class IntrusiveList<T>
    where T : class, IListElement<T>
{
    public T? First { get; private set; }

    public T? Last { get; private set; }

    public int Count { get; private set; }

    /// <summary>The element after this one; null after the last.</summary>
    public static T? Next(T element) => element.Links.Next;

    public bool Contains(T element) => element.Links.List == this;

    /// <summary>Adds an element at the end. It must not be in a list.</summary>
    public void AddLast(T element)
    {
        ref ListLinks<T> links = ref element.Links;
        Debug.Assert(links.List is null, "an element is in at most one list");
        links.List = this;
        links.Previous = Last;
        if (Last is { } last)
        {
            last.Links.Next = element;
        }
        else
        {
            First = element;
        }

        Last = element;
        Count++;
    }

    public void Remove(T element)
    {
        ref ListLinks<T> links = ref element.Links;
        Debug.Assert(links.List == this, "the element is in this list");
        if (links.Previous is { } previous)
        {
            previous.Links.Next = links.Next;
        }
        else
        {
            First = links.Next;
        }

        if (links.Next is { } next)
        {
            next.Links.Previous = links.Previous;
        }
        else
        {
            Last = links.Previous;
        }

        links = default;
        Count--;
    }
}
