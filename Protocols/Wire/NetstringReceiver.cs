using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A protocol that sends and receives netstrings: Twisted's <c>NetstringReceiver</c>. Derive from it, and override
/// <see cref="StringReceived"/>. <see cref="NetstringDecoder"/> is the decoder alone.
/// </summary>
#pragma warning disable CA1001 // The decoder returns its buffer when the connection is lost.
public abstract class NetstringReceiver : Protocol
#pragma warning restore CA1001
{
    /// <summary>The default maximum length of a string: Twisted's MAX_LENGTH.</summary>
    public const int DefaultMaxLength = 99_999;

    private readonly NetstringDecoder _decoder;

    /// <summary>Makes a protocol.</summary>
    /// <param name="maxLength">The longest string that is accepted, in bytes.</param>
    protected NetstringReceiver(int maxLength = DefaultMaxLength)
    {
        _decoder = new NetstringDecoder(maxLength);
    }

    /// <summary>Sends a string.</summary>
    public void SendString(ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
        Transport.Write(header[..Netstring.WriteHeader(payload.Length, header)]);
        Transport.Write(payload);
        Transport.Write(","u8);
    }

    /// <summary>A string has arrived.</summary>
    /// <param name="payload">The string, valid until this call returns.</param>
    protected abstract void StringReceived(ReadOnlySpan<byte> payload);

    /// <summary>The input is not a netstring, or the netstring is too long. Unless overridden, the connection is reset.</summary>
    /// <param name="status">The error.</param>
    protected virtual void ParseFailed(NetstringStatus status) => Transport.AbortConnection();

    /// <inheritdoc/>
    protected internal sealed override void DataReceived(ReadOnlySpan<byte> data)
    {
        while (!Transport.Disconnecting && _decoder.TryNext(ref data, out ReadOnlySpan<byte> payload))
        {
            StringReceived(payload);
        }

        if (_decoder.Error is { } error && !Transport.Disconnecting)
        {
            ParseFailed(error);
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason) => _decoder.Reset();
}
