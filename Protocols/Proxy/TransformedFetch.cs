using System.Globalization;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Fetches a poem, lets a server transform it, and gives the result to the receiver: to a proxy this looks like a fetch. Nothing
/// is passed on before the transformation is done.
/// </summary>
/// <param name="fetch">Fetches the poem.</param>
/// <param name="transform">Transforms a text into another text; both are released here.</param>
/// <param name="server">The name of the transform server, for its failures.</param>
/// <param name="format">The format of the result.</param>
/// <param name="maxBytes">A longer poem, or result, is a failure.</param>
/// <param name="receiver">Receives the result.</param>
#pragma warning disable CA1001 // Start releases the text.
internal sealed class TransformedFetch(
    Func<IPoemReceiver, Deferred<long>> fetch,
    Func<TextBuffer, TextBuffer, Deferred<TextBuffer>> transform,
    string server,
    PoemFormat format,
    long maxBytes,
    IPoemReceiver receiver) : IPoemReceiver
#pragma warning restore CA1001
{
    private readonly TextBuffer _text = new() { Limit = (int)Math.Min(maxBytes, TextBuffer.MaxBytes) };
    private bool _isTooLong;

    bool IPoemReceiver.Received(ReadOnlySpan<byte> bytes)
    {
        _isTooLong = bytes.Length > _text.Limit - _text.Length;
        if (!_isTooLong)
        {
            _text.Write(bytes);
        }

        return !_isTooLong;
    }

    bool IPoemReceiver.TryRestart()
    {
        _text.Clear();
        return true;
    }

    /// <returns>Fires with the length of the result; fails as the fetch or the transformation does. Cancelling it stops
    /// both.</returns>
    public async Deferred<long> Start()
    {
        var result = new TextBuffer { Limit = _text.Limit };
        try
        {
            _ = await fetch(this);
            _ = await Transform(result);
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
            throw new PoemIncompleteError(string.Create(
                CultureInfo.InvariantCulture, $"the poem is longer than {_text.Limit} bytes, and cannot be transformed"));
        }
        finally
        {
            _text.Release();
            result.Release();
        }
    }

    /// <summary>Names the transform server in its failures, which are not failures of the upstream.</summary>
    private async Deferred<TextBuffer> Transform(TextBuffer result)
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
}
