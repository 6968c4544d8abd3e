using System;
using System.Diagnostics;
using System.IO;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One request for a transformation, whatever its form on the wire: what the netstring face and the text face have in
/// common. A request is read within a deadline, given to the service, answered with one write that ends the connection, or
/// refused by an end without an answer and a line in the log.
/// </summary>
/// <remarks>
/// The deadline runs from accept to the last byte of the request, and progress does not move it: a client that sends a byte
/// now and then is reset all the same. A transformation that is not done at once has as much time again.
/// </remarks>
internal abstract class TransformServer : Protocol
{
    /// <summary>What the record shows for a request whose name never came, or meant nothing.</summary>
    private const string NoName = "-";

    private readonly TransformServerFactory _factory;
    private readonly DelayedCall _deadline;
    private State _state;
    private ConnectionStart _start;
    private string _what = NoName;
    private long _wholeBytes;
    private ConnectionOutcome? _outcome;

    /// <summary>Taken from the budget: for the request while it comes, and for what becomes of it.</summary>
    private int _requestBytes;
    private int _answerBytes;
    private TextBuffer? _reply;
    private PendingAnswer? _answer;

    private protected TransformServer(TransformServerFactory factory)
    {
        _factory = factory;
        _deadline = factory.Timers.Create(this, static server => server.RanOut());
    }

    private enum State : byte
    {
        /// <summary>The request is not whole yet.</summary>
        Reading,

        /// <summary>The request is whole, and its transformation under way.</summary>
        Answering,

        /// <summary>Answered or refused: what else comes is not for us.</summary>
        Over,
    }

    /// <summary>Its neighbours among the open connections: the factory's own business.</summary>
    internal TransformServer? Newer { get; set; }

    internal TransformServer? Older { get; set; }

    /// <summary>Is the request still expected, or a part of it?</summary>
    private protected bool IsReading => _state == State.Reading;

    /// <summary>The longest request, in bytes.</summary>
    private protected int MaxLength => _factory.Limits.MaxLength;

    /// <summary>Lent for a moment, or until the end of the connection.</summary>
    private protected TextBufferPool Buffers => _factory.Buffers;

    /// <summary>Has any byte of the request come?</summary>
    private protected abstract bool HasBegun { get; }

    /// <inheritdoc/>
    protected internal sealed override void ConnectionMade()
    {
        _start = new ConnectionStart(_factory.Clock);
        _state = State.Reading;
        _what = NoName;
        _wholeBytes = 0;
        _outcome = null;
        StartDeadline();
        _factory.Enter(this);
    }

    /// <inheritdoc/>
    protected internal sealed override void ReadConnectionLost()
    {
        switch (_state)
        {
            case State.Reading when HasBegun:
                RequestEnded();
                break;
            case State.Reading:
                // Somebody who looked whether the port is open.
                End(ConnectionOutcome.Left);
                Transport.LoseConnection();
                break;
            default:
                // It has said all it had to say, and waits for the answer.
                break;
        }
    }

    /// <inheritdoc/>
    protected internal sealed override void ConnectionLost(Failure reason)
    {
        _factory.Leave(this);
        _ = _deadline.CancelIfActive();
        _answer?.GiveUp();
        _answer = null;
        _state = State.Over;
        ForgetRequest();
        ReturnReply();
        GiveBack(ref _answerBytes);
        ConnectionOutcome outcome = _outcome ?? ConnectionRecord.OutcomeOf(reason);
        _start.End(Transport, _factory.Clock.Now, "transformed", _what, _wholeBytes, outcome).Log(_factory.Log);
    }

    /// <summary>The peer has sent its end, and the request is not whole without it.</summary>
    private protected abstract void RequestEnded();

    /// <summary>Gives back what holds the request.</summary>
    private protected virtual void ForgetRequest() => GiveBack(ref _requestBytes);

    /// <summary>The request holds so much memory now. If that is too much beside all the others it is refused.</summary>
    /// <returns>False if it was.</returns>
    private protected bool TryHold(int bytes)
    {
        if (bytes <= RequestBudget.FreeBytes || bytes <= _requestBytes)
        {
            return true;
        }

        if (_factory.Limits.Budget.TryTake(bytes - _requestBytes))
        {
            _requestBytes = bytes;
            return true;
        }

        _factory.Failures.Report($"refused {Transport.Peer}: too many long requests at once");
        End(ConnectionOutcome.Refused);
        EndUnanswered();
        return false;
    }

    /// <summary>Ends a connection that gets no answer, in such a way that its client can't take it for one.</summary>
    private protected abstract void EndUnanswered();

    /// <summary>The transformed text as it goes over the wire.</summary>
    private protected abstract ReadOnlyMemory<byte> Frame(TextBuffer text);

    /// <summary>The request is whole: has it done.</summary>
    /// <param name="name">As it came. It need not outlive the call, nor need the text.</param>
    /// <param name="text">As it came.</param>
    private protected void Answer(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        Debug.Assert(_state == State.Reading, "a connection has one request");
        _ = _deadline.CancelIfActive();
        if (_factory.Service.Find(name) is not { } transformation)
        {
            RefuseName(name);
            return;
        }

        _what = transformation.Name;
        _state = State.Answering;
        TextBuffer reply = Buffers.Rent(_factory.Limits.MaxReplyLength);
        Deferred<byte[]>? later = _factory.Service.Transform(transformation, text, reply);
        if (later is null)
        {
            Reply(reply);
            return;
        }

        Buffers.Return(reply);
        HoldAnswer(text.Length);
        StartDeadline();
        _answer = new PendingAnswer(this, later);
        _answer.Await();
    }

    /// <summary>The request can't be understood or is not allowed: ends without an answer, and says why in the log.</summary>
    private protected void Refuse(string problem)
    {
        TransformLog.RequestRefused(_factory.Log, _start.Number, Transport.Peer, problem);
        End(ConnectionOutcome.Refused);
        EndUnanswered();
    }

    private void RefuseName(ReadOnlySpan<byte> name)
    {
        bool isLogged = _factory.Log.IsEnabled(LogLevel.Information);
        Refuse(isLogged ? $"no transformation '{TextEscaper.Excerpt(name)}'" : string.Empty);
    }

    /// <summary>One write, one packet if it fits: the end travels with it.</summary>
    private void Reply(TextBuffer text)
    {
        _state = State.Over;
        ReadOnlyMemory<byte> wire = Frame(text);
        _wholeBytes = wire.Length;
        _reply = text;
        Transport.WriteLast(wire);
        if (Transport.BytesPending == 0)
        {
            // The kernel has it all, or nobody will: either way the memory is free before the client has closed.
            ReturnReply();
        }
        else
        {
            HoldAnswer(text.Capacity);
        }
    }

    private void Answered(Outcome<byte[]> outcome)
    {
        _answer = null;
        GiveBack(ref _answerBytes);
        _ = _deadline.CancelIfActive();
        if (outcome.Failure is { } failure)
        {
            Fail(failure);
            return;
        }

        TextBuffer reply = Buffers.Rent(_factory.Limits.MaxReplyLength);
        reply.Write(outcome.Value);
        Reply(reply);
    }

    private void Fail(Failure failure)
    {
        // What a transformation is expected to fail with says all by itself, and may do so with every request while an
        // upstream is down; anything else is somebody's mistake.
        if (failure.Check<IOException>() || failure.Check<CancelledError>())
        {
            _factory.Failures.Report($"#{_start.Number} {_what} for {Transport.Peer}: {failure.Message}");
        }
        else
        {
            TransformLog.Threw(_factory.Log, failure.Exception, _start.Number, _what, Transport.Peer, failure.Message);
        }

        End(ConnectionOutcome.Failed);
        EndUnanswered();
    }

    /// <summary>The server ends: a client that has not said a word has only so much more time to begin.</summary>
    internal void Hurry(TimeSpan silence)
    {
        if (IsSilent)
        {
            _ = _deadline.CancelIfActive();
            _deadline.Rearm(Left(silence));
        }
    }

    /// <summary>Connected, and not a byte of a request yet.</summary>
    private bool IsSilent => _state == State.Reading && !HasBegun;

    /// <summary>What is left of a time that runs from accept; of <see cref="TimeSpan.MaxValue"/>, all of it.</summary>
    private TimeSpan Left(TimeSpan time)
    {
        TimeSpan gone = _factory.Clock.Now - _start.Time;
        return time == TimeSpan.MaxValue ? time : gone < time ? time - gone : TimeSpan.Zero;
    }

    private void RanOut()
    {
        if (_factory.IsHurried && IsSilent)
        {
            // No request is lost, so the end is a kind one.
            End(ConnectionOutcome.Stopped);
            Transport.LoseConnection();
            return;
        }

        if (_factory.IsHurried && _state == State.Reading && Left(_factory.Limits.Timeout) is { Ticks: > 0 } left)
        {
            // It has begun after all, and has the time that any request has.
            if (left < TimeSpan.MaxValue)
            {
                _deadline.Rearm(left);
            }

            return;
        }

        if (_state == State.Reading)
        {
            TransformLog.RequestTimeout(_factory.Log, _start.Number, Transport.Peer, _factory.Limits.Timeout.TotalSeconds);
            End(ConnectionOutcome.Timeout);
            Transport.AbortConnection();
            return;
        }

        Debug.Assert(_answer is not null, "the deadline runs for a request, or for an answer");
        _answer.GiveUp();
        _answer = null;
        Fail(new Failure(new TransformError($"not done in {_factory.Limits.Timeout.TotalSeconds:0.###} s")));
    }

    private void StartDeadline()
    {
        if (_factory.Limits.Timeout < TimeSpan.MaxValue)
        {
            _deadline.Rearm(_factory.Limits.Timeout);
        }
    }

    private void End(ConnectionOutcome outcome)
    {
        _ = _deadline.CancelIfActive();
        _state = State.Over;
        _outcome = outcome;
        ForgetRequest();
        GiveBack(ref _answerBytes);
    }

    /// <summary>A request that was let in is answered: what it still holds is missing for those to come.</summary>
    private void HoldAnswer(int bytes)
    {
        if (bytes > RequestBudget.FreeBytes)
        {
            _answerBytes = bytes;
            _factory.Limits.Budget.Take(bytes);
        }
    }

    private void GiveBack(ref int bytes)
    {
        if (bytes > 0)
        {
            _factory.Limits.Budget.Return(bytes);
            bytes = 0;
        }
    }

    private void ReturnReply()
    {
        if (_reply is { } reply)
        {
            _reply = null;
            Buffers.Return(reply);
        }
    }

    /// <summary>
    /// An answer that is waited for. It stands between the deferred and the protocol, which may have another connection by
    /// the time that an old deferred fires after all.
    /// </summary>
    private sealed class PendingAnswer(TransformServer asker, Deferred<byte[]> later)
    {
        private TransformServer? _asker = asker;

        public void Await() => _ = later.AddBoth(this, static (answer, outcome) => answer._asker?.Answered(outcome));

        public void GiveUp()
        {
            _asker = null;
            later.Cancel();
        }
    }
}
