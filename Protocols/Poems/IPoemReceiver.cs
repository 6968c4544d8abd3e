using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Receives a poem while it is fetched. All calls come from the reactor's thread.</summary>
internal interface IPoemReceiver
{
    /// <summary>Bytes of the poem have arrived.</summary>
    /// <param name="bytes">The bytes: at least one; valid until this call returns.</param>
    /// <returns>False if they can't be stored: the fetch then fails.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory for them: the fetch then fails too.</exception>
    bool Received(ReadOnlySpan<byte> bytes);

    /// <summary>A buffer to read the next bytes of a plain poem into; empty to use the reactor's buffer.</summary>
    Span<byte> GetBuffer() => default;

    /// <summary>The fetch has connected.</summary>
    /// <param name="upstream">Pauses and resumes the server; usable until the fetch ends or the next call of this method.
    /// While it is paused, the idle timeout does not run.</param>
    void Connected(IProducer upstream)
    {
    }

    /// <summary>The length of a netstring has arrived. Called before the first byte, and only for netstrings.</summary>
    /// <param name="length">The poem's length in bytes, which the server announced.</param>
    void Announced(long length)
    {
    }

    /// <summary>Drops all received bytes, so that another server can send the poem from its start.</summary>
    /// <returns>False if some of them were passed on already.</returns>
    bool TryRestart() => false;
}
