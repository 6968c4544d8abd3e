using System;

namespace Poetry.Protocols;

/// <summary>A factory whose clients send a request first. A connection without a request has nothing to finish.</summary>
internal interface IRequestFactory
{
    /// <summary>The server drains: closes connections that have not begun a request. On the reactor's thread.</summary>
    /// <param name="silence">How long a connection may be silent, from accept: a new one may be about to send.</param>
    void CloseIdle(TimeSpan silence);
}
