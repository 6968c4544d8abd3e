namespace Poetry.Net;

/// <content>
/// Registration with the poller: user descriptors by <see cref="AddReader"/> and <see cref="AddWriter"/>, which throw;
/// transports and ports by <see cref="Watch"/>, which returns the error.
/// </content>
public sealed partial class Reactor
{
    /// <summary>
    /// Regular files, which are always ready. epoll refuses them, kqueue stops at the end of a file, and select always reports
    /// them. No poller gets them, so that all backends behave alike.
    /// </summary>
    private readonly List<Descriptor> _files = [];

    /// <summary>Watches a descriptor for input. If it is watched for output, it stays watched for that too.</summary>
    /// <exception cref="System.IO.IOException">The kernel refuses to watch it.</exception>
    public void AddReader(Descriptor descriptor) => Change(descriptor, add: Interest.Read);

    /// <summary>Watches a descriptor for output.</summary>
    /// <exception cref="System.IO.IOException">The kernel refuses to watch it.</exception>
    public void AddWriter(Descriptor descriptor) => Change(descriptor, add: Interest.Write);

    /// <summary>Stops watching a descriptor for input.</summary>
    public void RemoveReader(Descriptor descriptor) => Change(descriptor, remove: Interest.Read);

    /// <summary>Stops watching a descriptor for output.</summary>
    public void RemoveWriter(Descriptor descriptor) => Change(descriptor, remove: Interest.Write);

    /// <summary>Stops watching a descriptor. Call it before you close the descriptor.</summary>
    public void RemoveAll(Descriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Unwatch(descriptor);
    }

    /// <summary>
    /// Allocates all kernel objects that the loop needs: <see cref="Run"/> then cannot fail for lack of them. Used by programs
    /// that announce that they are ready before they call <see cref="Run"/>.
    /// </summary>
    /// <exception cref="System.IO.IOException">Descriptors or memory have run out.</exception>
    internal void Prepare() => _threadCalls.Prepare();

    internal Errno Watch(Descriptor descriptor, Interest interest)
    {
        bool isNew = !descriptor.IsWatched;
        if (isNew && !TryAddToTable(descriptor))
        {
            return Errno.ENOMEM;
        }

        Errno refusal = Errno.None;
        if (isNew && descriptor.IsRegularFile)
        {
            _files.Add(descriptor);
        }
        else if (isNew)
        {
            refusal = _poller.Add(descriptor.Handle, descriptor.Token, interest);
        }
        else if (descriptor.Interest != interest && !descriptor.IsRegularFile)
        {
            refusal = _poller.Change(descriptor.Handle, descriptor.Token, descriptor.Interest, interest);
        }

        if (refusal == Errno.None)
        {
            descriptor.Interest = interest;
        }
        else if (isNew)
        {
            _descriptors.Remove(descriptor);
        }

        return refusal;
    }

    /// <summary>Stops watching a descriptor, if it is watched.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="closesNext">True if the caller closes it next, and it has no duplicate.</param>
    internal void Unwatch(Descriptor descriptor, bool closesNext = false)
    {
        if (!descriptor.IsWatched)
        {
            return;
        }

        if (descriptor.IsRegularFile)
        {
            _ = _files.Remove(descriptor);
        }
        else
        {
            _poller.Remove(descriptor.Handle, descriptor.Interest, closesNext);
        }

        _descriptors.Remove(descriptor);
        descriptor.Interest = Interest.None;
    }

    /// <summary>If a callback removes a file, another file may be skipped; it is dispatched in the next turn.</summary>
    private void DispatchFiles()
    {
        int count = _files.Count;
        for (int i = 0; i < count && i < _files.Count; i++)
        {
            Dispatch(new ReadyEvent(_files[i].Token, Readiness.Read | Readiness.Write));
        }
    }

    /// <returns>False if there is no memory for the table.</returns>
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

    /// <exception cref="ReactorNotRunning">The loop has ended, or the reactor is disposed: no callback would run.</exception>
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
