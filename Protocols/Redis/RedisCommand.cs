using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A command, or a few that are sent together, with the replies to them. It passes through a <see cref="RedisClient"/>, which
/// chooses the server, and a <see cref="RedisConnection"/>, which sends it and calls <see cref="Received"/> for each piece of
/// the replies. When it has ended it may be sent again: in the steady state a command allocates nothing.
/// </summary>
/// <remarks>As a producer it pauses its connection, which has to be its own: see <see cref="IsAlone"/>.</remarks>
internal abstract class RedisCommand : IProducer
{
    private int _repliesRead;
    private RedisRoute _route;

    /// <summary>The number of commands, and so of replies; 0 if replies come without end.</summary>
    protected virtual int Replies => 1;

    /// <summary>The key that decides on the node of a cluster; empty if any node will do.</summary>
    public virtual ReadOnlySpan<byte> Key => default;

    /// <summary>True if it needs a connection of its own while it runs, because it may take long.</summary>
    public virtual bool IsAlone => false;

    /// <summary>The bytes of a value that the server has to copy before it replies to anything.</summary>
    public virtual long ValueBytes => 0;

    /// <summary>True if a reply is due, so that the timeout runs.</summary>
    public virtual bool AwaitsReply => true;

    /// <summary>When it was sent, on the reactor's clock.</summary>
    public TimeSpan SentAt { get; set; }

    /// <summary>The connection that has it; null before and after.</summary>
    public RedisConnection? Connection { get; set; }

    /// <summary>True once a part of a reply has arrived.</summary>
    public bool IsTouched { get; private set; }

    public bool IsComplete => Replies > 0 && _repliesRead == (Route.IsAsking ? 2 * Replies : Replies);

    /// <summary>True once its result is no longer wanted.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>How it was routed so far. Belongs to the client.</summary>
    public ref RedisRoute Route => ref _route;

    /// <summary>The first error among the replies, unless it redirects to another node; or what is wrong with a reply.</summary>
    public RedisError? Refusal { get; private set; }

    /// <summary>Where the server has redirected to; null for nowhere.</summary>
    public RedisRedirect? Redirect { get; private set; }

    /// <summary>Prepares it to be sent to a server, also again.</summary>
    public void Reset()
    {
        _repliesRead = 0;
        Refusal = null;
        Redirect = null;
        IsTouched = false;
        Restarted();
    }

    public void Send(ITransport transport, RespWriter writer)
    {
        writer.Clear();
        writer.IsAsking = Route.IsAsking;
        WriteTo(transport, writer);
    }

    /// <summary>Reads a piece of the replies.</summary>
    /// <returns>False if the command wants no more: its connection is then given up.</returns>
    public bool Read(in RespToken token)
    {
        Debug.Assert(!IsComplete, "only the replies of this command are passed to it");
        IsTouched = true;
        bool isToAsking = Route.IsAsking && (_repliesRead & 1) == 0;
        bool wantsMore = true;
        if (token.Kind == RespKind.Error)
        {
            Redirect ??= Refusal is null ? RedisRedirect.Parse(token.Bytes) : null;
            Refusal ??= Redirect is null ? RedisError.Parse(token.Bytes) : null;
            wantsMore = Replies > 0;
        }
        else if (!isToAsking && !IsCancelled)
        {
            wantsMore = Received(token, Route.IsAsking ? _repliesRead / 2 : _repliesRead);
        }

        _repliesRead += token.EndsReply ? 1 : 0;
        return wantsMore;
    }

    /// <summary>Gives it up: it will not be told of its end.</summary>
    public void Cancel()
    {
        IsCancelled = true;
        if (IsAlone)
        {
            Connection?.Abort();
        }
    }

    /// <summary>All replies have arrived, or it has failed. Called once, unless it was cancelled.</summary>
    /// <param name="failure">Null if the server has refused nothing.</param>
    public abstract void Ended(Failure? failure);

    public void PauseProducing() => Connection?.Pause(this);

    public void ResumeProducing() => Connection?.Resume(this);

    /// <summary>Writes the commands; for one that does not override <see cref="WriteTo"/>.</summary>
    protected virtual void Write(RespWriter writer)
    {
    }

    /// <summary>Writes everything to the connection.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="writer">Empty.</param>
    protected virtual void WriteTo(ITransport transport, RespWriter writer)
    {
        Write(writer);
        transport.Write(writer.Written);
    }

    /// <summary>A piece of a reply has arrived; errors are not passed here.</summary>
    /// <param name="token">The piece.</param>
    /// <param name="index">Of the reply.</param>
    /// <returns>False to give the connection up.</returns>
    protected abstract bool Received(in RespToken token, int index);

    /// <summary>A reply is not what the command expects: for <see cref="Received"/> to return.</summary>
    protected bool IsNonsense() => Refuse(new RedisError("the server sent a reply that does not fit the command"));

    /// <summary>The connection is given up for this reason: for <see cref="Received"/> to return.</summary>
    protected bool Refuse(RedisError error)
    {
        Refusal ??= error;
        return false;
    }

    /// <summary>What was received is of no use: the command is sent again, or for the first time.</summary>
    protected virtual void Restarted()
    {
    }
}
