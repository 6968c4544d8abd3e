using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One request for a transformation: what the netstring and the text protocol have in common. The request is read within a
/// deadline, given to the service, and answered with one write that closes the connection. A request that is refused gets no
/// answer, and the log says why.
/// </summary>
/// <remarks>
/// There is one deadline for the whole request, from accept to the answer; progress does not move it. Memory is reserved before
/// bytes are read: a connection that has to wait for memory is paused, and refused at the deadline.
/// </remarks>
internal abstract partial class TransformServer : Protocol
{
    /// <summary>What the record shows for a request without a known name.</summary>
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

        /// <summary>Answered or refused. Further input is ignored.</summary>
        Over,
    }

    /// <summary>True if a request, or a part of it, is expected.</summary>
    private protected bool IsReading => _state == State.Reading;

    private protected int MaxLength => _factory.Limits.MaxLength;

    private protected RequestLease Lease { get; }

    /// <summary>True if a byte of the request has arrived.</summary>
    private protected abstract bool HasBegun { get; }

    /// <summary>How long the request may become, as far as is known; memory is reserved for so much.</summary>
    private protected abstract int ExpectedLength { get; }

    /// <summary>A longer name is refused before it is complete.</summary>
    private protected abstract int MaxNameLength { get; }

    /// <summary>Ends the name.</summary>
    private protected abstract byte Separator { get; }

    /// <summary>What is wrong with a request that has no <see cref="Separator"/>.</summary>
    private protected abstract string SplitProblem { get; }

    /// <summary>A connection with only a small lease reads no more than that can hold, unless there is plenty of memory.</summary>
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
            // A probe that only checked whether the port is open.
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

    /// <summary>The server drains: a connection that has sent nothing has only so much time from accept to begin.</summary>
    internal void CloseIfIdle(TimeSpan silence)
    {
        if (IsIdle)
        {
            _deadline.Rearm(TimeLeft(silence));
        }
    }

    /// <summary>The input has ended after a part of a request.</summary>
    private protected abstract void RequestEnded();

    /// <summary>Closes without an answer, in a way that the client cannot take for one.</summary>
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

    /// <summary>The rest of a time that runs from accept; <see cref="TimeSpan.MaxValue"/> has no end.</summary>
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

    /// <summary>One write, and one packet if the answer fits: FIN travels with it.</summary>
    private void Reply()
    {
        _ = _deadline.CancelIfActive();
        _state = State.Over;
        ReadOnlyMemory<byte> wire = Frame(_reply!);
        _totalBytes = wire.Length;
        Transport.WriteLast(wire);
        if (Transport.BytesPending == 0)
        {
            // The kernel has all of it, or the connection is lost: the memory is free before the client closes.
            DropReply();
        }
        else
        {
            Lease.Shrink(_reply!.Capacity);
        }
    }

    /// <summary>A result that came later. The protocol may serve another connection by then.</summary>
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
        // Many requests fail alike while an upstream is down or memory is short; anything else is a bug of the transformation.
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
            // No request is lost: the end is a normal one.
            End(ConnectionOutcome.Stopped);
            Transport.LoseConnection();
        }
        else if (_factory.IsDraining && TimeLeft(_factory.Limits.Timeout) is { Ticks: > 0 } left)
        {
            // The request began after the drain did, and has the time that any request has.
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
