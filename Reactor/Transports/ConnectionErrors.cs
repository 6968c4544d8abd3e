using System;
using System.IO;

namespace Poetry.Net;

/// <summary>Why a connection is over: the base of <see cref="ConnectionDone"/> and <see cref="ConnectionLost"/>.</summary>
public abstract class ConnectionClosed : IOException
{
    private protected ConnectionClosed(string message)
        : base(message)
    {
    }
}

/// <summary>The connection ended cleanly: Twisted's <c>ConnectionDone</c>. Nothing went wrong.</summary>
public sealed class ConnectionDone() : ConnectionClosed("connection closed")
{
    /// <summary>The failure that all clean ends share: nothing is allocated when a peer closes.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionDone());
}

/// <summary>The connection ended otherwise: Twisted's <c>ConnectionLost</c>.</summary>
public class ConnectionLost : ConnectionClosed
{
    /// <summary>Above the numbers of any kernel; a higher one gets a failure of its own.</summary>
    private const int MaxErrno = 160;

    /// <summary>Created when first needed. Any thread may fill a slot; equal failures are interchangeable.</summary>
    private static readonly Failure?[] Failures = new Failure?[MaxErrno];

    /// <summary>What the kernel said.</summary>
    public ConnectionLost(Errno error)
        : this(error, error.Sentence())
    {
    }

    private protected ConnectionLost(Errno error, string message)
        : base(message)
    {
        Error = error;
    }

    /// <summary>What the kernel said; <see cref="Errno.None"/> for no error of the kernel.</summary>
    public Errno Error { get; }

    /// <summary>The failure that all ends for the same reason share.</summary>
    public static Failure Because(Errno error)
    {
        int number = (int)error;
        return (uint)number < MaxErrno
            ? Failures[number] ??= Failure.Shared(() => new ConnectionLost(error))
            : new Failure(new ConnectionLost(error));
    }
}

/// <summary>This side gave the connection up, with a reset: Twisted's <c>ConnectionAborted</c>.</summary>
public sealed class ConnectionAborted() : ConnectionLost(Errno.ECONNABORTED, "connection aborted")
{
    /// <summary>The failure that all such ends share.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionAborted());
}

/// <summary>The peer took or sent nothing for too long, and the connection was reset.</summary>
public sealed class ConnectionTimedOut() : ConnectionLost(Errno.ETIMEDOUT, "timed out")
{
    /// <summary>The failure that all such ends share.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionTimedOut());
}

/// <summary>No connection was made: Twisted's <c>ConnectError</c>.</summary>
/// <param name="error">What the kernel said of the last address tried.</param>
/// <param name="message">A part of a sentence, such as <c>connection refused</c>.</param>
public class ConnectError(Errno error, string message) : IOException(message)
{
    /// <summary>What the kernel said of the last address tried; <see cref="Errno.None"/> where it was not asked.</summary>
    public Errno Error { get; } = error;
}

/// <summary>A name has no address: Twisted's <c>DNSLookupError</c>.</summary>
/// <param name="message">The reason, as a part of a sentence.</param>
public sealed class DNSLookupError(string message) : ConnectError(Errno.None, message);

/// <summary>A port could not be listened on: Twisted's <c>CannotListenError</c>.</summary>
public sealed class CannotListenError : IOException
{
    /// <summary>With the address and the kernel's reason.</summary>
    /// <param name="address">As the user would write it.</param>
    /// <param name="error">What the kernel said.</param>
    public CannotListenError(string address, Errno error)
        : this(address, error.Sentence())
    {
        Error = error;
    }

    /// <summary>With the address and a reason that is not the kernel's.</summary>
    /// <param name="address">As the user would write it.</param>
    /// <param name="reason">The end of a sentence.</param>
    public CannotListenError(string address, string reason)
        : base($"cannot listen on {address}: {reason}")
    {
    }

    /// <summary>What the kernel said.</summary>
    public Errno Error { get; }
}

/// <summary>The reactor was asked to do what only a running one can: Twisted's <c>ReactorNotRunning</c>.</summary>
public sealed class ReactorNotRunning() : InvalidOperationException("the reactor is not running");
