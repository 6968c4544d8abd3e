using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <content>The request, from its first bytes until there is memory for its answer.</content>
internal abstract partial class TransformServer
{
    private TextBuffer? _request;

    private protected int KeptLength => _request?.Length ?? 0;

    /// <summary>Keeps a part of an incomplete request. If there is no memory for the rest of it, reading pauses.</summary>
    private protected void Keep(ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty)
        {
            return;
        }

        if (!Lease.CanHold(MemoryFor(KeptLength + part.Length)))
        {
            RefuseTooLarge();
            return;
        }

        Append(part);
        if (TryReadName() && KeptLength >= RequestLease.MaxSmallText && !Lease.IsLarge
            && !Lease.TryReserve(Math.Min(MemoryFor(ExpectedLength), _factory.Limits.Large.MaxBytes)))
        {
            AwaitMemory();
        }
    }

    /// <summary>Answers a complete request, or keeps it until there is memory for the answer.</summary>
    /// <param name="rest">The last part, which is not kept yet.</param>
    private protected void Complete(ReadOnlySpan<byte> rest)
    {
        if (_request is null)
        {
            TransformOrWait(rest);
        }
        else
        {
            _request.Write(rest);
            TransformOrWait(_request.Text);
        }
    }

    /// <summary>Frees the memory of the request; the lease stays.</summary>
    private protected virtual void DropRequest()
    {
        if (_request is { } request)
        {
            _request = null;
            _factory.Buffers.Return(request);
        }
    }

    private void Append(ReadOnlySpan<byte> part)
    {
        _request ??= _factory.Buffers.Rent(ExpectedLength);
        _request.Write(part);
    }

    /// <summary>The memory for a kept request of this length, and for its answer.</summary>
    private long MemoryFor(int length) => (long)length + TextBuffer.Overhead
        + (_transformation?.MaxMemory(length) ?? length);

    /// <summary>Looks for the name at the start of the kept request, to refuse an unknown name early.</summary>
    /// <returns>False if the request was refused.</returns>
    private bool TryReadName()
    {
        if (_transformation is not null)
        {
            return true;
        }

        ReadOnlySpan<byte> start = _request!.Text;
        start = start[..Math.Min(start.Length, MaxNameLength + 1)];
        if (TrySplit(start, out ReadOnlySpan<byte> name, out _))
        {
            return TryFind(name);
        }

        if (start.Length < MaxNameLength + 1)
        {
            return true;
        }

        Refuse("the request does not begin with a line that names a transformation");
        return false;
    }

    private bool TrySplit(ReadOnlySpan<byte> request, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> text)
    {
        int end = request.IndexOf(Separator);
        name = request[..Math.Max(end, 0)];
        text = request[(end + 1)..];

        // A line may end in CRLF.
        if (Separator == (byte)'\n' && name.EndsWith("\r"u8))
        {
            name = name[..^1];
        }

        return end >= 0;
    }

    private bool TryFind(ReadOnlySpan<byte> name)
    {
        _transformation ??= _factory.Service.Find(name);
        if (_transformation is null)
        {
            bool isLogged = _factory.Log.IsEnabled(LogLevel.Information);
            Refuse(isLogged ? $"no transformation '{TextEscaper.Excerpt(name)}'" : string.Empty);
        }

        return _transformation is not null;
    }

    /// <summary>Pauses the connection until its lease is granted.</summary>
    private void AwaitMemory()
    {
        if (KeptLength > RequestLease.MaxSmallText)
        {
            // Another reactor took the memory that this one saw before it read.
            Lease.Reserve(KeptLength);
        }

        Transport.PauseProducing();
    }

    private void OnMemoryGranted()
    {
        Transport.ResumeProducing();
        if (_state == State.Complete)
        {
            TransformOrWait(_request!.Text);
        }
    }

    private void TransformOrWait(ReadOnlySpan<byte> request)
    {
        if (!TrySplit(request, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> text))
        {
            Refuse(SplitProblem);
            return;
        }

        if (!TryFind(name))
        {
            return;
        }

        long needed = _transformation!.MaxMemory(text.Length) + (_request is null ? 0 : request.Length + TextBuffer.Overhead);
        if (!Lease.CanHold(needed))
        {
            RefuseTooLarge();
        }
        else if (Lease.TryReserve(needed))
        {
            Transform(text);
        }
        else
        {
            _state = State.Complete;
            if (_request is null)
            {
                Append(request);
            }

            AwaitMemory();
        }
    }
}
