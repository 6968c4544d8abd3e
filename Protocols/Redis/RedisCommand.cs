using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One or more commands that are sent together, and their replies. A <see cref="RedisClient"/> chooses the server. A
/// <see cref="RedisConnection"/> sends the command and calls <see cref="Received"/> for each piece of the replies. A command that
/// has ended may be sent again: in the steady state it allocates nothing.
/// </summary>
/// <remarks>As a producer it pauses its connection, which it must not share: see <see cref="IsAlone"/>.</remarks>
internal abstract class RedisCommand : IProducer
{
    private int _repliesRead;
    private RedisRoute _route;

    /// <summary>The number of commands, and so of replies; 0 if replies come without end.</summary>
    protected virtual int Replies => 1;

    /// <summary>The key that selects the node of a cluster; empty if any node will do.</summary>
    public virtual ReadOnlySpan<byte> Key => default;

    /// <summary>True if it needs its own connection while it runs, because it may take long.</summary>
    public virtual bool IsAlone => false;

    /// <summary>The number of bytes that the server copies before it can reply to any command.</summary>
    public virtual long ValueBytes => 0;

    /// <summary>True while a reply is due: the timeout then runs.</summary>
    public virtual bool AwaitsReply => true;

    /// <summary>The time when it was sent, on the reactor's clock.</summary>
    public TimeSpan SentAt { get; set; }

    /// <summary>The connection that sends it; null before and after.</summary>
    public RedisConnection? Connection { get; set; }

    /// <summary>True once a part of a reply has arrived.</summary>
    public bool IsTouched { get; private set; }

    public bool IsComplete => Replies > 0 && _repliesRead == (Route.IsAsking ? 2 * Replies : Replies);

    /// <summary>True once its result is no longer wanted.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>The state of its routing. Belongs to the client.</summary>
    public ref RedisRoute Route => ref _route;

    /// <summary>The first error among the replies, unless it is a redirect; or the error that a reply does not fit.</summary>
    public RedisError? Refusal { get; private set; }

    /// <summary>The node that the server has redirected to; null for none.</summary>
    public RedisRedirect? Redirect { get; private set; }

    /// <summary>Prepares it to be sent to a server, for the first time or again.</summary>
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
    /// <returns>False if the command takes no more: its connection is then aborted.</returns>
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

    /// <summary>Cancels it: <see cref="Ended"/> is not called. If it is alone, its connection is aborted.</summary>
    public void Cancel()
    {
        IsCancelled = true;
        if (IsAlone)
        {
            Connection?.Abort();
        }
    }

    /// <summary>All replies have arrived, or the command has failed. Called once, unless it was cancelled.</summary>
    /// <param name="failure">The reason; null if no reply is an error.</param>
    public abstract void Ended(Failure? failure);

    public void PauseProducing() => Connection?.Pause(this);

    public void ResumeProducing() => Connection?.Resume(this);

    /// <summary>Writes the commands. Called by the default <see cref="WriteTo"/>.</summary>
    protected virtual void Write(RespWriter writer)
    {
    }

    /// <summary>Writes everything to the connection.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="writer">An empty writer.</param>
    protected virtual void WriteTo(ITransport transport, RespWriter writer)
    {
        Write(writer);
        transport.Write(writer.Written);
    }

    /// <summary>A piece of a reply that is not an error has arrived.</summary>
    /// <param name="token">The piece.</param>
    /// <param name="index">The index of the reply.</param>
    /// <returns>False to abort the connection.</returns>
    protected abstract bool Received(in RespToken token, int index);

    /// <summary>Refuses a reply that does not fit the command: for <see cref="Received"/> to return.</summary>
    protected bool IsNonsense() => Refuse(new RedisError("the server sent a reply that does not fit the command"));

    /// <summary>Keeps the reason for aborting the connection, and returns false: for <see cref="Received"/> to return.</summary>
    protected bool Refuse(RedisError error)
    {
        Refusal ??= error;
        return false;
    }

    /// <summary>Drops what was received: the command is sent now, for the first time or again.</summary>
    protected virtual void Restarted()
    {
    }
}
