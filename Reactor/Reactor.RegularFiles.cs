using System.Collections.Generic;

namespace Poetry.Net;

/// <content>
/// Regular files, which are always ready. epoll refuses them, kqueue stops at the end of a file and select reports them
/// always: so no poller gets them, and every backend behaves alike.
/// </content>
public sealed partial class Reactor
{
    private readonly List<Descriptor> _files = [];
    private readonly List<ulong> _fileTokens = [];

    private void WatchFile(Descriptor file, Interest interest)
    {
        if (!file.IsWatched)
        {
            _descriptors.Add(file);
            _files.Add(file);
        }

        file.Interest = interest;
    }

    private void UnwatchFile(Descriptor file)
    {
        _ = _files.Remove(file);
        _descriptors.Remove(file);
        file.Interest = Interest.None;
    }

    private void DispatchFiles()
    {
        if (_files.Count == 0)
        {
            return;
        }

        // A callback may add and remove files: each token is checked again before its call.
        _fileTokens.Clear();
        foreach (Descriptor file in _files)
        {
            _fileTokens.Add(file.Token);
        }

        foreach (ulong token in _fileTokens)
        {
            if (_descriptors.Find(token) is not null)
            {
                Dispatch(new ReadyEvent(token, Readiness.Read | Readiness.Write));
            }
        }
    }
}
