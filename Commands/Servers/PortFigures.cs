using Poetry.Net;

namespace Poetry.Commands;

/// <summary>The counts of listening ports.</summary>
/// <param name="Open">Connections that have not ended.</param>
/// <param name="Accepted">Connections so far.</param>
/// <param name="ByAddress">Connections that were rejected because their client had too many.</param>
/// <param name="ByHeader">Connections that were rejected for their PROXY header.</param>
/// <param name="WithoutHeader">Connections that were closed before a byte of their PROXY header.</param>
internal readonly record struct PortFigures(long Open, long Accepted, long ByAddress, long ByHeader, long WithoutHeader)
{
    public static PortFigures Of(ListeningPort port) =>
        new(port.Connections, port.Accepted, port.RejectedByAddress, port.RejectedByHeader, port.ClosedWithoutHeader);

    public static PortFigures operator +(PortFigures a, PortFigures b) => new(
        a.Open + b.Open,
        a.Accepted + b.Accepted,
        a.ByAddress + b.ByAddress,
        a.ByHeader + b.ByHeader,
        a.WithoutHeader + b.WithoutHeader);
}
