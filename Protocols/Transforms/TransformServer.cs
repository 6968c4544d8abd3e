using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One request for a transformation: the common part of the netstring and the text protocol. The request is read within a
/// deadline, given to the service, and answered with one write that closes the connection. A refused request gets no
/// answer, and the log says why.
/// </summary>
/// <remarks>
/// There is one deadline for the whole request, from accept to the answer; progress does not move it. Memory is reserved before
/// bytes are read: a connection that has to wait for memory is paused, and refused at the deadline.
/// </remarks>
internal abstract partial class TransformServer : Protocol
{
    /// <summary>The name that the connection record shows for a request without a known name.</summary>
    private const string NoName = "-";

    private readonly TransformServerFactory _factory;
    private readonly DelayedCall _deadline;
    private readonly LinkedListNode<TransformServer> _node;
    private State _state;
    private ConnectionStart _start;
    private Transformation? _transformation;
    private long _totalBytes;
    private ConnectionOutcome? _outcome;
    private TextBuffer? _reply;
    private Deferred<TextBuffer>? _later;

    private protected TransformServer(TransformServerFactory factory)
    {
        _factory = factory;
        _deadline = factory.Timers.Create(this, static server => server.OnDeadline());
        _node = new LinkedListNode<TransformServer>(this);
        Lease = factory.MakeLease(OnMemoryGranted);
    }

    private enum State : byte
    {
        /// <summary>The request is not complete.</summary>
        Reading,

        /// <summary>The request is complete and waits for memory.</summary>
        Complete,

        /// <summary>The request is complete and is being transformed.</summary>
        Answering,

        /// <summary>The request is answered or refused. Further input is ignored.</summary>
        Over,
    }

    /// <summary>True if a request, or a part of it, is expected.</summary>
    private protected bool IsReading => _state == State.Reading;

    private protected int MaxLength => _factory.Limits.MaxLength;

    private protected RequestLease Lease { get; }

    /// <summary>True if a byte of the request has arrived.</summary>
    private protected abstract bool HasBegun { get; }

    /// <summary>The maximum length of this request, as far as it is known. Memory is reserved for this length.</summary>
    private protected abstract int ExpectedLength { get; }

    /// <summary>The maximum length of a name. A longer name is refused before it is complete.</summary>
    private protected abstract int MaxNameLength { get; }

    /// <summary>The byte that ends the name.</summary>
    private protected abstract byte Separator { get; }

    /// <summary>The error text for a request that has no <see cref="Separator"/>.</summary>
    private protected abstract string SplitProblem { get; }

    /// <summary>A connection with a small lease reads no more than that can hold, unless there is memory for any read.</summary>
    protected internal sealed override Span<byte> ReceiveBuffer => Lease.IsLarge || _factory.HasMemoryForAnyRead
        ? default
        : _factory.SmallReceiveBuffer[..(RequestLease.MaxSmallText - KeptLength)];

    protected internal sealed override void ConnectionMade()
    {
        _start = new ConnectionStart(_factory.Clock);
        _state = State.Reading;
        _transformation = null;
        _totalBytes = 0;
        _outcome = null;
        if (_factory.Limits.Timeout < TimeSpan.MaxValue)
        {
            _deadline.Rearm(_factory.Limits.Timeout);
        }

        _factory.Opened(_node);
        if (!Lease.TryBegin())
        {
            Transport.PauseProducing();
        }
    }

    protected internal sealed override void ReadConnectionLost()
    {
        if (!IsReading)
        {
            return;
        }

        if (HasBegun)
        {
            RequestEnded();
        }
        else
        {
            // The client only checked whether the port is open.
            End(ConnectionOutcome.Left);
            Transport.LoseConnection();
        }
    }

    /// <summary>The kernel has the whole answer.</summary>
    protected internal sealed override void AllSent() => DropReply();

    protected internal sealed override void ConnectionLost(Failure reason)
    {
        _factory.Closed(_node);
        _ = _deadline.CancelIfActive();
        CancelLater();
        _state = State.Over;
        DropRequest();
        DropReply();
        string name = _transformation?.Name ?? NoName;
        ConnectionOutcome outcome = _outcome ?? ConnectionRecord.OutcomeOf(reason);
        _start.End(Transport, _factory.Clock.Now, "transformed", name, _totalBytes, outcome).Log(_factory.Log);
    }

    /// <summary>Called when the server drains: a connection without a request must begin one in this time from accept.</summary>
    internal void CloseIfIdle(TimeSpan silence)
    {
        if (IsIdle)
        {
            _deadline.Rearm(TimeLeft(silence));
        }
    }

    /// <summary>Called when the input ends after a part of a request.</summary>
    private protected abstract void RequestEnded();

    /// <summary>Closes without an answer, in a way that the client cannot mistake for an answer.</summary>
    private protected abstract void EndUnanswered();

    private protected abstract ReadOnlyMemory<byte> Frame(TextBuffer text);

    private protected void Refuse(string problem)
    {
        TransformLog.RequestRefused(_factory.Log, _start.Number, Transport.Peer, problem);
        End(ConnectionOutcome.Refused);
        EndUnanswered();
    }

    private protected void RefuseTooLong() => Refuse($"the request is longer than {MaxLength} bytes");

    private protected void RefuseTooLarge() => Refuse("the request alone would exceed the memory for all requests");

    private bool IsIdle => IsReading && !HasBegun;

    /// <summary>The rest of a time that runs from accept; <see cref="TimeSpan.MaxValue"/> never ends.</summary>
    private TimeSpan TimeLeft(TimeSpan time)
    {
        TimeSpan elapsed = _factory.Clock.Now - _start.Time;
        return time == TimeSpan.MaxValue ? time : elapsed < time ? time - elapsed : TimeSpan.Zero;
    }

    private void Transform(ReadOnlySpan<byte> text)
    {
        _state = State.Answering;
        long memory = _transformation!.MaxMemory(text.Length);
        _reply = _factory.Buffers.Rent(_factory.Limits.MaxResultLength);
        Deferred<TextBuffer>? later = _factory.Service.Transform(_transformation, text, _reply);
        DropRequest();
        if (later is null)
        {
            Reply();
            return;
        }

        Lease.Shrink(memory);
        _later = later;
        _ = later.AddBoth((this, later), static (asked, outcome) => asked.Item1.OnAnswer(asked.later, outcome.Failure));
    }

    /// <summary>Sends the answer with one write. If it fits, the answer and the FIN are one packet.</summary>
    private void Reply()
    {
        _ = _deadline.CancelIfActive();
        _state = State.Over;
        ReadOnlyMemory<byte> wire = Frame(_reply!);
        _totalBytes = wire.Length;
        Transport.WriteLast(wire);
        if (Transport.BytesPending == 0)
        {
            // The kernel has all of it, or the connection is lost: free the memory now, before the client closes.
            DropReply();
        }
        else
        {
            Lease.Shrink(_reply!.Capacity);
        }
    }

    /// <summary>Handles a result that came later. By then the protocol may serve another connection.</summary>
    private void OnAnswer(Deferred<TextBuffer> later, Failure? failure)
    {
        if (later != _later)
        {
            return;
        }

        _later = null;
        if (failure is null)
        {
            Reply();
        }
        else
        {
            Fail(failure);
        }
    }

    private void CancelLater()
    {
        Deferred<TextBuffer>? later = _later;
        _later = null;
        later?.Cancel();
    }

    private void Fail(Failure failure)
    {
        // Many requests have the same failure while an upstream is down or memory is short. Any other failure is a bug of the
        // transformation.
        bool isMemory = failure.Check<OutOfMemoryException>();
        if (isMemory || failure.Check<IOException>() || failure.Check<CancelledError>())
        {
            string problem = isMemory ? TransformClient.OutOfMemory : failure.Message;
            _factory.Failures.Report($"#{_start.Number} {_transformation!.Name} for {Transport.Peer}: {problem}");
        }
        else
        {
            TransformLog.Threw(
                _factory.Log, failure.Exception, _start.Number, _transformation!.Name, Transport.Peer, failure.Message);
        }

        End(ConnectionOutcome.Failed);
        EndUnanswered();
    }

    private void OnDeadline()
    {
        if (_factory.IsDraining && IsIdle)
        {
            // No request is lost, so this is a normal end.
            End(ConnectionOutcome.Stopped);
            Transport.LoseConnection();
        }
        else if (_factory.IsDraining && TimeLeft(_factory.Limits.Timeout) is { Ticks: > 0 } left)
        {
            // The request began after the drain started: it gets the time of any request.
            if (left < TimeSpan.MaxValue)
            {
                _deadline.Rearm(left);
            }
        }
        else if (Lease.IsWaiting)
        {
            Refuse($"there was no memory for the request in {TimeoutSeconds} s");
        }
        else if (IsReading)
        {
            TransformLog.RequestTimeout(_factory.Log, _start.Number, Transport.Peer, _factory.Limits.Timeout.TotalSeconds);
            End(ConnectionOutcome.Timeout);
            Transport.AbortConnection();
        }
        else
        {
            Debug.Assert(_later is not null, "the deadline runs for a request or for its answer");
            CancelLater();
            Fail(new Failure(new TransformError($"not done in {TimeoutSeconds} s")));
        }
    }

    private string TimeoutSeconds => $"{_factory.Limits.Timeout.TotalSeconds:0.###}";

    private void End(ConnectionOutcome outcome)
    {
        _ = _deadline.CancelIfActive();
        _state = State.Over;
        _outcome = outcome;
        DropRequest();
        DropReply();
    }

    private void DropReply()
    {
        if (_reply is { } reply)
        {
            _reply = null;
            _factory.Buffers.Return(reply);
        }

        Lease.Return();
    }
}
