using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// The addresses of a name, found without holding up the loop: numbers are read at once, names are looked up by the
/// system's resolver on a thread of its own, which ends with the answer.
/// </summary>
/// <remarks>Crosses threads: a lookup's thread sees its name, and calls from thread with the answer.</remarks>
internal static class Resolver
{
    /// <summary>The system's resolver is known to need about 100 KiB; a default stack would be 1.5 MB.</summary>
    private const int StackBytes = 256 * 1024;

    /// <summary>Looks up an endpoint.</summary>
    /// <returns>At least one address, in the order in which to try them; or a <see cref="DNSLookupError"/>. Cancelling it
    /// gives up the answer; the system's lookup goes on for as long as it likes.</returns>
    public static Deferred<SocketAddress[]> Resolve(Reactor reactor, Endpoint endpoint)
    {
        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return Deferred.Succeed<SocketAddress[]>([address]);
        }

        var answer = new Deferred<SocketAddress[]>(static _ => { });
        try
        {
            new Thread(() => LookUp(reactor, endpoint, answer), StackBytes) { IsBackground = true, Name = "resolver" }.Start();
        }
        catch (OutOfMemoryException)
        {
            return Deferred.Fail<SocketAddress[]>(new DNSLookupError("no thread is left to look the name up"));
        }

        return answer;
    }

    /// <summary>Looks up where to listen, on the caller's thread and for as long as it takes: before there is a loop.</summary>
    /// <returns>The first address of the name; of a Unix socket, its path.</returns>
    /// <exception cref="CannotListenError">It has none.</exception>
    public static SocketAddress ResolveNow(Endpoint endpoint)
    {
        if (endpoint.IsUnix)
        {
            return SocketAddress.Unix(endpoint.UnixPath);
        }

        if (endpoint.TryGetAddress(out SocketAddress address))
        {
            return address;
        }

        try
        {
            return SocketAddress.Ip(Dns.GetHostAddresses(endpoint.Host)[0], (ushort)endpoint.Port);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException or IndexOutOfRangeException)
        {
            throw new CannotListenError(endpoint.ToString(), "unknown host");
        }
    }

    private static void LookUp(Reactor reactor, Endpoint endpoint, Deferred<SocketAddress[]> answer)
    {
        try
        {
            IPAddress[] found = Dns.GetHostAddresses(endpoint.Host);
            var addresses = new SocketAddress[found.Length];
            for (int i = 0; i < found.Length; i++)
            {
                addresses[i] = SocketAddress.Ip(found[i], (ushort)endpoint.Port);
            }

            reactor.CallFromThread(() => Answer(answer, addresses));
        }
        catch (Exception)
        {
            // A name that is none, a resolver that does not answer, no descriptor left to ask one: whatever it is, whoever
            // waits has to be told, and an exception would leave this thread and end the process.
            reactor.CallFromThread(() => Answer(answer, []));
        }
    }

    private static void Answer(Deferred<SocketAddress[]> answer, SocketAddress[] addresses)
    {
        if (answer.Called)
        {
            return;
        }

        if (addresses.Length > 0)
        {
            answer.Callback(addresses);
        }
        else
        {
            answer.Errback(new Failure(new DNSLookupError("unknown host")));
        }
    }
}
