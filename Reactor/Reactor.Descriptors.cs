using System;

namespace Poetry.Net;

/// <content>
/// Registration with the poller: user descriptors by <see cref="AddReader"/> and <see cref="AddWriter"/>, which throw;
/// transports and ports by <see cref="Watch"/>, which returns the error.
/// </content>
public sealed partial class Reactor
{
    /// <summary>Watches a descriptor for input, beside output if it is watched for that already.</summary>
    /// <exception cref="System.IO.IOException">The kernel refuses to watch it.</exception>
    public void AddReader(Descriptor descriptor) => Change(descriptor, add: Interest.Read);

    /// <summary>Watches a descriptor for output.</summary>
    /// <exception cref="System.IO.IOException">The kernel refuses to watch it.</exception>
    public void AddWriter(Descriptor descriptor) => Change(descriptor, add: Interest.Write);

    /// <summary>Stops watching a descriptor for input.</summary>
    public void RemoveReader(Descriptor descriptor) => Change(descriptor, remove: Interest.Read);

    /// <summary>Stops watching a descriptor for output.</summary>
    public void RemoveWriter(Descriptor descriptor) => Change(descriptor, remove: Interest.Write);

    /// <summary>Stops watching a descriptor. To be called before it is closed.</summary>
    public void RemoveAll(Descriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Unwatch(descriptor);
    }

    /// <summary>
    /// Allocates all kernel objects that the loop needs, so that <see cref="Run"/> cannot fail for lack of them: for programs
    /// that announce that they are ready before they call it.
    /// </summary>
    /// <exception cref="System.IO.IOException">Descriptors or memory have run out.</exception>
    internal void Prepare() => _threadCalls.Prepare();

    internal Errno Watch(Descriptor descriptor, Interest interest)
    {
        if (descriptor.IsRegularFile)
        {
            WatchFile(descriptor, interest);
            return Errno.None;
        }

        if (!descriptor.IsWatched)
        {
            if (!TryAddToTable(descriptor))
            {
                return Errno.ENOMEM;
            }

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

    /// <summary>Stops watching a descriptor, if it is watched.</summary>
    internal void Unwatch(Descriptor descriptor)
    {
        if (descriptor.IsWatched && descriptor.IsRegularFile)
        {
            UnwatchFile(descriptor);
        }
        else if (descriptor.IsWatched)
        {
            _poller.Remove(descriptor.Handle, descriptor.Interest);
            _descriptors.Remove(descriptor);
            descriptor.Interest = Interest.None;
        }
    }

    /// <summary>As <see cref="Unwatch"/>, for a descriptor that is closed next and has no duplicate.</summary>
    internal void UnwatchToClose(Descriptor descriptor)
    {
        if (descriptor.IsWatched)
        {
            _poller.RemoveOnClose(descriptor.Handle, descriptor.Interest);
            _descriptors.Remove(descriptor);
            descriptor.Interest = Interest.None;
        }
    }

    /// <returns>False if the table needs memory that there is not.</returns>
    private bool TryAddToTable(Descriptor descriptor)
    {
        try
        {
            _descriptors.Add(descriptor);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <exception cref="ReactorNotRunning">The loop has ended, or the reactor is disposed: nothing would ever happen.</exception>
    private void ThrowIfEnded()
    {
        if (_state == RunState.Stopped)
        {
            throw new ReactorNotRunning();
        }
    }

    private void Change(Descriptor descriptor, Interest add = Interest.None, Interest remove = Interest.None)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        if (add != Interest.None)
        {
            ThrowIfEnded();
        }

        Interest interest = (descriptor.Interest | add) & ~remove;
        if (interest == Interest.None)
        {
            Unwatch(descriptor);
            return;
        }

        if (!descriptor.IsWatched)
        {
            descriptor.IsRegularFile = NativeFile.IsRegular(descriptor.Handle);
        }

        Errno error = Watch(descriptor, interest);
        if (error != Errno.None)
        {
            string why = error == Errno.EEXIST ? "another object watches it" : error.Sentence();
            throw new System.IO.IOException($"cannot watch a descriptor: {why}");
        }
    }
}
