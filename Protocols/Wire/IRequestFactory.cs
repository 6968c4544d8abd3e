using System;

namespace Poetry.Protocols;

/// <summary>A factory of connections whose peers speak first: until they do there is nothing to finish for them.</summary>
internal interface IRequestFactory
{
    /// <summary>The server is about to end: closes those who have not begun a request. On the reactor's thread.</summary>
    /// <param name="silence">What they may have in all, from accept: who has come this moment may be about to speak.</param>
    void CloseIdle(TimeSpan silence);
}
