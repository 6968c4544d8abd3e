namespace Poetry.Net;

/// <summary>The reason why a connection has ended: the base of <see cref="ConnectionDone"/> and <see cref="ConnectionLost"/>.</summary>
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
    /// <summary>The failure of all clean ends: it is shared, so nothing is allocated when a peer closes.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionDone());
}

/// <summary>The connection ended otherwise: Twisted's <c>ConnectionLost</c>.</summary>
public class ConnectionLost : ConnectionClosed
{
    /// <summary>Higher than the error numbers of all kernels. The failure of a higher number is not shared.</summary>
    private const int MaxErrno = 160;

    /// <summary>The shared failures, created when first needed. Any thread may fill a slot; equal failures are interchangeable.</summary>
    private static readonly Failure?[] Failures = new Failure?[MaxErrno];

    /// <summary>Makes an exception with the kernel's error.</summary>
    public ConnectionLost(Errno error)
        : this(error, error.Sentence())
    {
    }

    private protected ConnectionLost(Errno error, string message)
        : base(message)
    {
        Error = error;
    }

    /// <summary>The kernel's error; ECONNABORTED if this side aborted, ETIMEDOUT if a timeout ended the connection.</summary>
    public Errno Error { get; }

    /// <summary>The failure with this error, shared by all connections that end with it.</summary>
    public static Failure Because(Errno error)
    {
        int number = (int)error;
        return (uint)number < MaxErrno
            ? Failures[number] ??= Failure.Shared(() => new ConnectionLost(error))
            : new Failure(new ConnectionLost(error));
    }
}

/// <summary>This side ended the connection with a reset: Twisted's <c>ConnectionAborted</c>.</summary>
public sealed class ConnectionAborted() : ConnectionLost(Errno.ECONNABORTED, "connection aborted")
{
    /// <summary>The failure of all such ends.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionAborted());
}

/// <summary>The peer took or sent nothing for too long, and the connection was reset.</summary>
public sealed class ConnectionTimedOut() : ConnectionLost(Errno.ETIMEDOUT, "timed out")
{
    /// <summary>The failure of all such ends.</summary>
    public static Failure Failure { get; } = Net.Failure.Shared(static () => new ConnectionTimedOut());
}

/// <summary>No connection was made: Twisted's <c>ConnectError</c>.</summary>
/// <param name="error">The kernel's error for the last address tried.</param>
/// <param name="message">A part of a sentence, such as <c>connection refused</c>.</param>
public class ConnectError(Errno error, string message) : IOException(message)
{
    /// <summary>The kernel's error for the last address tried; <see cref="Errno.None"/> if the kernel was not called.</summary>
    public Errno Error { get; } = error;
}

/// <summary>A name has no address: Twisted's <c>DNSLookupError</c>.</summary>
/// <param name="message">The reason, as a part of a sentence.</param>
public sealed class DNSLookupError(string message) : ConnectError(Errno.None, message);

/// <summary>A port could not be listened on: Twisted's <c>CannotListenError</c>.</summary>
public sealed class CannotListenError : IOException
{
    /// <summary>Makes an exception with the address and the kernel's reason.</summary>
    /// <param name="address">The address in the form in which a user writes it.</param>
    /// <param name="error">The kernel's error.</param>
    public CannotListenError(string address, Errno error)
        : this(address, error.Sentence())
    {
        Error = error;
    }

    /// <summary>Makes an exception with the address and a reason that is not the kernel's.</summary>
    /// <param name="address">The address in the form in which a user writes it.</param>
    /// <param name="reason">The end of a sentence.</param>
    public CannotListenError(string address, string reason)
        : base($"cannot listen on {address}: {reason}")
    {
    }

    /// <summary>The kernel's error; <see cref="Errno.None"/> if the reason is not the kernel's.</summary>
    public Errno Error { get; }
}

/// <summary>The call needs a running reactor: Twisted's <c>ReactorNotRunning</c>.</summary>
public sealed class ReactorNotRunning() : InvalidOperationException("the reactor is not running");
