using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What the tests of the proxy share.</summary>
public abstract class ProxyNativeTests : NativeTests
{
    /// <summary>An upstream waits for it, if the test says so.</summary>
    internal ManualResetEvent Go { get; private set; } = null!;

    [TestInitialize]
    public void MakeGate() => Go = Own(new ManualResetEvent(initialState: false));

    /// <summary>Starts a proxy and waits until it is ready.</summary>
    internal NativeBinary Proxy(params string[] arguments)
    {
        NativeBinary proxy = Start(new Launch(["proxy", .. arguments]));
        _ = proxy.Output.WaitForLines(1);
        return proxy;
    }

    /// <summary>Fetches, once the proxy does not leave its upstream alone any more.</summary>
    internal static Delivery FetchAfterPause(NativeBinary proxy)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (true)
        {
            bool isOver = Environment.TickCount64 >= deadline;
            try
            {
                Delivery delivery = Wire.Fetch(proxy.Port());
                if (!delivery.WasReset || isOver)
                {
                    return delivery;
                }
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset && !isOver)
            {
                // The reset may come before connect has returned.
            }
        }
    }

    internal Socket[] Connect(NativeBinary proxy, int count)
    {
        var clients = new Socket[count];
        for (int i = 0; i < count; i++)
        {
            clients[i] = Own(Wire.Connect(proxy.Port()));
        }

        return clients;
    }
}
