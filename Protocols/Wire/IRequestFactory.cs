using System;

namespace Poetry.Protocols;

/// <summary>A factory of connections whose clients send a request: before that there is nothing to finish for them.</summary>
internal interface IRequestFactory
{
    /// <summary>Closes the connections without a request, because the server drains. On the reactor's thread.</summary>
    /// <param name="silence">How long they may take in all, from accept: a client that has just connected may be about to send.</param>
    void CloseIdle(TimeSpan silence);
}
