using System;
using System.Globalization;
using System.IO;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Fetches a poem, has it transformed, and gives the result to the receiver: to a proxy it looks like a fetch. Nothing is
/// passed on before the transformation is done.
/// </summary>
internal sealed class TransformedFetch : IPoemReceiver
{
    private readonly TextBuffer _text;
    private bool _isTooLong;

    private TransformedFetch(TextBuffer text) => _text = text;

    /// <summary>Begins.</summary>
    /// <param name="fetch">Fetches the poem.</param>
    /// <param name="transform">Transforms a text into another; both are released here.</param>
    /// <param name="server">Which server does that, for its failures.</param>
    /// <param name="format">How the result travels.</param>
    /// <param name="maxBytes">A longer poem, or result, is a failure.</param>
    /// <param name="receiver">Receives the result.</param>
    /// <returns>Fires with the length of the result; fails as the fetch or the transformation does. Cancelling it stops
    /// both.</returns>
    public static Deferred<long> Start(
        Func<IPoemReceiver, Deferred<long>> fetch,
        Func<TextBuffer, TextBuffer, Deferred<TextBuffer>> transform,
        string server,
        PoemFormat format,
        long maxBytes,
        IPoemReceiver receiver)
    {
        var collector = new TransformedFetch(new TextBuffer { Limit = (int)Math.Min(maxBytes, TextBuffer.MaxBytes) });
        return collector.Run(fetch, transform, server, format, receiver);
    }

    /// <inheritdoc/>
    bool IPoemReceiver.Received(ReadOnlySpan<byte> bytes)
    {
        _isTooLong = bytes.Length > _text.Limit - _text.Length;
        if (!_isTooLong)
        {
            _text.Write(bytes);
        }

        return !_isTooLong;
    }

    /// <inheritdoc/>
    bool IPoemReceiver.TryRestart()
    {
        _text.Clear();
        return true;
    }

    private async Deferred<long> Run(
        Func<IPoemReceiver, Deferred<long>> fetch,
        Func<TextBuffer, TextBuffer, Deferred<TextBuffer>> transform,
        string server,
        PoemFormat format,
        IPoemReceiver receiver)
    {
        var result = new TextBuffer { Limit = _text.Limit };
        try
        {
            _ = await fetch(this);
            _ = await Transform(transform, server, result);
            if (format == PoemFormat.Netstring)
            {
                receiver.Announced(result.Length);
            }

            if (result.Length > 0 && !receiver.Received(result.Text))
            {
                throw new PoemIncompleteError("the transformed poem could not be stored");
            }

            return result.Length;
        }
        catch (PoemIncompleteError) when (_isTooLong)
        {
            throw TooLong();
        }
        finally
        {
            _text.Release();
            result.Release();
        }
    }

    /// <summary>Names the transform server in its failures, which are none of the upstream.</summary>
    private async Deferred<TextBuffer> Transform(
        Func<TextBuffer, TextBuffer, Deferred<TextBuffer>> transform, string server, TextBuffer result)
    {
        try
        {
            return await transform(_text, result);
        }
        catch (IOException error)
        {
            throw new TransformError($"transform server {server}: {error.Message}");
        }
    }

    private PoemIncompleteError TooLong() =>
        new(string.Create(CultureInfo.InvariantCulture, $"the poem is longer than {_text.Limit} bytes, and cannot be transformed"));
}
