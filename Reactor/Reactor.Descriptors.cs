using System;

namespace Poetry.Net;

/// <content>What is watched, and for what: descriptors of one's own by AddReader and its kin, transports and ports by Watch.</content>
public sealed partial class Reactor
{
    /// <summary>Watches a descriptor for input, or for output too if it is watched for that.</summary>
    /// <exception cref="System.IO.IOException">The kernel will not watch it.</exception>
    public void AddReader(Descriptor descriptor) => Change(descriptor, add: Interest.Read);

    /// <summary>Watches a descriptor for room to write.</summary>
    /// <exception cref="System.IO.IOException">The kernel will not watch it.</exception>
    public void AddWriter(Descriptor descriptor) => Change(descriptor, add: Interest.Write);

    /// <summary>Watches it for input no more.</summary>
    public void RemoveReader(Descriptor descriptor) => Change(descriptor, remove: Interest.Read);

    /// <summary>Watches it for room to write no more.</summary>
    public void RemoveWriter(Descriptor descriptor) => Change(descriptor, remove: Interest.Write);

    /// <summary>Watches a descriptor for nothing any more. To be called before it is closed.</summary>
    public void RemoveAll(Descriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Unwatch(descriptor);
    }

    /// <summary>
    /// Gets all that the loop needs of the kernel, so that <see cref="Run"/> can't fail for want of it: for whoever says
    /// that he is ready before he runs.
    /// </summary>
    /// <exception cref="System.IO.IOException">Descriptors or memory have run out.</exception>
    public void Prepare() => _threadCalls.Prepare();

    /// <summary>Watches a descriptor, or changes what it is watched for.</summary>
    internal Errno Watch(Descriptor descriptor, Interest interest)
    {
        if (!descriptor.IsWatched)
        {
            _descriptors.Add(descriptor);
            Errno refusal = _poller.Add(descriptor.Handle, descriptor.Token, interest);
            if (refusal != Errno.None)
            {
                _descriptors.Remove(descriptor);
                return refusal;
            }
        }
        else if (descriptor.Interest != interest)
        {
            Errno refusal = _poller.Change(descriptor.Handle, descriptor.Token, descriptor.Interest, interest);
            if (refusal != Errno.None)
            {
                return refusal;
            }
        }

        descriptor.Interest = interest;
        return Errno.None;
    }

    /// <summary>Watches a descriptor no more; does nothing if it was not watched.</summary>
    internal void Unwatch(Descriptor descriptor)
    {
        if (descriptor.IsWatched)
        {
            _poller.Remove(descriptor.Handle, descriptor.Interest);
            _descriptors.Remove(descriptor);
            descriptor.Interest = Interest.None;
        }
    }

    /// <summary>As <see cref="Unwatch"/>, for a descriptor that is closed next and that nobody has a duplicate of.</summary>
    internal void UnwatchToClose(Descriptor descriptor)
    {
        if (descriptor.IsWatched)
        {
            _poller.RemoveOnClose(descriptor.Handle, descriptor.Interest);
            _descriptors.Remove(descriptor);
            descriptor.Interest = Interest.None;
        }
    }

    private void Change(Descriptor descriptor, Interest add = Interest.None, Interest remove = Interest.None)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Interest interest = (descriptor.Interest | add) & ~remove;
        if (interest == Interest.None)
        {
            Unwatch(descriptor);
            return;
        }

        Errno error = Watch(descriptor, interest);
        if (error != Errno.None)
        {
            throw new System.IO.IOException($"cannot watch a descriptor: {error.Sentence()}");
        }
    }
}
