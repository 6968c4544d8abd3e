using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>A service of systemd's: what it tells, and the sockets that it is handed.</summary>
[TestClass]
[DoNotParallelize]
public sealed class SystemdTests : NativeTests
{
    [TestMethod]
    [DataRow("notify.sock")]
    [DataRow("@poetry-notify")]
    public void Notify_ALife_IsToldStepByStep(string name)
    {
        using var systemd = new NotifySocket(name[0] == '@' ? $"{name}-{Environment.ProcessId}" : Folder[name]);
        NativeBinary server = ServeNotified(systemd);
        Assert.AreEqual("READY=1\nSTATUS=serving", systemd.Receive());

        long before = MonotonicMicroseconds();
        server.Signal(Posix.SIGHUP);
        string reloading = systemd.Receive();
        Assert.StartsWith("RELOADING=1\nMONOTONIC_USEC=", reloading);
        long told = long.Parse(reloading[(reloading.LastIndexOf('=') + 1)..], CultureInfo.InvariantCulture);
        Assert.IsInRange(before, MonotonicMicroseconds(), told);
        Assert.StartsWith("READY=1", systemd.Receive());

        server.Signal(Posix.SIGTERM);
        Assert.StartsWith("STOPPING=1", systemd.Receive());
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>A service that stops does not say that it is ready again.</summary>
    [TestMethod]
    public void Notify_AHangupWhileItStops_IsNotAReload()
    {
        using var systemd = new NotifySocket(Folder["notify.sock"]);
        NativeBinary server = ServeNotified(systemd, "--drain", "3600");
        Assert.StartsWith("READY=1", systemd.Receive());
        using Socket inFlight = Wire.Connect(server.Port(), 4096);
        _ = Wire.ReadExactly(inFlight, 1);
        server.Signal(Posix.SIGTERM);
        Assert.StartsWith("STOPPING=1", systemd.Receive());
        server.Signal(Posix.SIGHUP);
        server.Signal(Posix.SIGUSR1);
        server.Errors.WaitForText("statistics");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsTrue(systemd.IsEmpty, "it has said only once that it stops, and nothing of a reload");
        Assert.DoesNotContain("reloaded", server.Errors.Text);
    }

    /// <summary>Nine halves of an interval can't pass sooner; how much later they do is the machine's business.</summary>
    [TestMethod]
    [DataRow("1")]
    [DataRow("3")]
    public void Watchdog_HearsTheLoopsAtHalfItsInterval(string workers)
    {
        using var systemd = new NotifySocket(Folder["notify.sock"]);
        long start = Stopwatch.GetTimestamp();
        NativeBinary server = ServeNotified(systemd, "200000", "--workers", workers);
        Assert.StartsWith("READY=1", systemd.Receive(), "READY comes before WATCHDOG");
        for (int signs = 0; signs < 10; signs++)
        {
            Assert.AreEqual("WATCHDOG=1", systemd.Receive());
        }

        Assert.IsGreaterThanOrEqualTo(0.8, Stopwatch.GetElapsedTime(start).TotalSeconds);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>A server that did nothing but say that it is alive would take all of a core.</summary>
    [TestMethod]
    public void Watchdog_OfAMicrosecond_IsFedEveryTenMilliseconds()
    {
        using var systemd = new NotifySocket(Folder["notify.sock"]);
        NativeBinary server = ServeNotified(systemd, "1");
        Assert.StartsWith("READY=1", systemd.Receive());
        Assert.AreEqual("WATCHDOG=1", systemd.Receive());
        long start = Stopwatch.GetTimestamp();
        for (int signs = 0; signs < 31; signs++)
        {
            Assert.AreEqual("WATCHDOG=1", systemd.Receive());
        }

        // The first may have been on its way for a while.
        Assert.IsGreaterThanOrEqualTo(0.2, Stopwatch.GetElapsedTime(start).TotalSeconds);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>While the last clients finish, the service is alive.</summary>
    [TestMethod]
    public void Watchdog_HearsAServerThatDrains()
    {
        using var systemd = new NotifySocket(Folder["notify.sock"]);
        NativeBinary server = ServeNotified(systemd, "100000", "--workers", "2", "--drain", "3600");
        using Socket inFlight = Wire.Connect(server.Port(), 4096);
        _ = Wire.ReadExactly(inFlight, 1);
        server.Signal(Posix.SIGTERM);
        while (!systemd.Receive().StartsWith("STOPPING=1", StringComparison.Ordinal))
        {
        }

        for (int i = 0; i < 5; i++)
        {
            Assert.AreEqual("WATCHDOG=1", systemd.Receive());
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("WATCHDOG_PID", "1", "WATCHDOG_USEC", "1000")]
    [DataRow("WATCHDOG_USEC", "0", "X", "x")]
    [DataRow("WATCHDOG_USEC", "-5", "X", "x")]
    [DataRow("WATCHDOG_USEC", "soon", "X", "x")]
    [DataRow("WATCHDOG_USEC", "9223372036854775807", "X", "x")]
    public void Watchdog_OfAnotherOrNone_IsNotFed(string one, string oneValue, string other, string otherValue)
    {
        using var systemd = new NotifySocket(Folder["notify.sock"]);
        NativeBinary server = ServeNotified(systemd, new Dictionary<string, string> { [one] = oneValue, [other] = otherValue });
        Assert.StartsWith("READY=1", systemd.Receive());
        server.Signal(Posix.SIGTERM);
        Assert.StartsWith("STOPPING=1", systemd.Receive());
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("nosuch.sock")]
    [DataRow("@")]
    [DataRow("vsock:2:1")]
    public void Notify_WithoutAListener_StillServes(string socket) => AssertServesWith(socket);

    [TestMethod]
    public void Notify_ANameThatIsTooLong_ServesAllTheSame() => AssertServesWith("/" + new string('x', 500));

    [TestMethod]
    [DataRow("serve", "poem.txt")]
    [DataRow("slow-serve", "--delay", "0", "--num-bytes", "100", "poem.txt")]
    [DataRow("serve", "--workers", "2", "poem.txt")]
    [DataRow("serve", "--port", "1", "poem.txt")]
    public void Activation_AListeningSocket_IsServed(params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        using Socket listener = Listen();
        NativeBinary server = StartActivated(listener, arguments);
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        Assert.AreEqual($"Serving poem.txt on 127.0.0.1:{port}.", server.Output.WaitForLines(1)[0]);
        for (int i = 0; i < 20; i++)
        {
            Wire.Fetch(port).AssertIs(Poem);
        }

        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsFalse(Wire.IsRefused(port), "the socket is systemd's, and goes on queueing clients");
    }

    [TestMethod]
    public void Activation_AUnixSocket_IsServedAndItsFileStays()
    {
        _ = Folder.Write("poem.txt", Poem);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Folder["poem.sock"]));
        listener.Listen();
        NativeBinary server = StartActivated(listener, "serve", "--workers", "2", "poem.txt");
        _ = server.Output.WaitForLines(1);
        Wire.Fetch(Folder["poem.sock"]).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Assert.IsTrue(File.Exists(Folder["poem.sock"]), "the file is systemd's");
    }

    /// <summary>The first listener gets the socket, the others their own.</summary>
    [TestMethod]
    public void Activation_FewerSocketsThanListeners_TheRestAreBound()
    {
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", MakePoem(100));
        using Socket listener = Listen();
        NativeBinary server = StartActivated(listener, "serve", "--workers", "2", "0=a.txt", "0=b.txt");
        Assert.AreEqual(((IPEndPoint)listener.LocalEndPoint!).Port, server.Port(0));
        Wire.Fetch(server.Port(0)).AssertIs(Poem);
        Wire.Fetch(server.Port(1)).AssertIs(MakePoem(100));
    }

    /// <summary>A client that connects to a socket without a server waits for ever; a closed socket refuses it.</summary>
    [TestMethod]
    public void Activation_MoreSocketsThanListeners_ClosesTheOthersAndSaysSo()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server;
        int surplusPort;
        using (Socket listener = Listen())
        {
            using Socket surplus = Listen();
            surplusPort = ((IPEndPoint)surplus.LocalEndPoint!).Port;
            Posix.LetInherit(listener.Handle, inherit: true);
            Posix.LetInherit(surplus.Handle, inherit: true);
            string shell = "LISTEN_FDS=2 LISTEN_PID=$$ exec \"$0\" \"$@\" "
                + $"3<&{listener.Handle} 4<&{surplus.Handle} {listener.Handle}<&- {surplus.Handle}<&-";
            server = Start(new Launch("serve", "poem.txt") { Through = [Posix.Tool("bash"), "-c", shell] });
            Posix.LetInherit(surplus.Handle, inherit: false);
            Posix.LetInherit(listener.Handle, inherit: false);
            _ = server.Output.WaitForLines(1);
        }

        Assert.IsTrue(Wire.IsRefused(surplusPort));
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Errors.WaitForText("inherited sockets closed: 1 without a listener (1 in use)");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Activation_ForAnotherProcess_IsLeftAlone()
    {
        _ = Folder.Write("poem.txt", Poem);
        using Socket listener = Listen();
        NativeBinary server = StartActivated(listener, "LISTEN_PID=1", "serve", "poem.txt");
        Assert.AreNotEqual(((IPEndPoint)listener.LocalEndPoint!).Port, server.Port());
        Wire.Fetch(server.Port()).AssertIs(Poem);
    }

    [TestMethod]
    public void Activation_ASocketThatDoesNotListen_IsRefusedInOneLine()
    {
        _ = Folder.Write("poem.txt", Poem);
        using var idle = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        AssertFailed(StartActivated(idle, "serve", "poem.txt").WaitForExit(), 1, "cannot listen on inherited descriptor 3: ");
        using var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        AssertFailed(StartActivated(datagrams, "serve", "poem.txt").WaitForExit(), 1, "cannot listen on inherited descriptor 3: ");
    }

    [TestMethod]
    public void Activation_ADescriptorThatIsNoSocket_IsRefusedInOneLine()
    {
        _ = Folder.Write("poem.txt", Poem);
        Finished finished = Run(new Launch("serve", "poem.txt")
        {
            Through = [Posix.Tool("bash"), "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3</dev/null"],
        });
        AssertFailed(finished, 1, "cannot listen on inherited descriptor 3: ");
    }

    /// <summary>The Stopwatch of .NET counts CLOCK_MONOTONIC on Linux.</summary>
    private static long MonotonicMicroseconds() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    private static Socket Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    private void AssertServesWith(string notifySocket)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Serve(new Launch("poem.txt") { Environment = { ["NOTIFY_SOCKET"] = notifySocket } });
        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded");
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    private NativeBinary ServeNotified(NotifySocket systemd, params string[] options)
    {
        var environment = new Dictionary<string, string>();
        if (options.Length > 0 && char.IsAsciiDigit(options[0][0]))
        {
            environment["WATCHDOG_USEC"] = options[0];
            options = options[1..];
        }

        return ServeNotified(systemd, environment, options);
    }

    private NativeBinary ServeNotified(NotifySocket systemd, Dictionary<string, string> environment, params string[] options)
    {
        _ = Folder.Write("poem.txt", LongPoem);
        environment["NOTIFY_SOCKET"] = systemd.Name;
        return Serve(new Launch([.. options, "poem.txt"]) { Environment = environment });
    }

    /// <summary>Hands a socket over as descriptor 3. Between the shell and the server the number of the process stays.</summary>
    private NativeBinary StartActivated(Socket listener, params string[] arguments)
    {
        string pid = "$$";
        if (arguments[0].StartsWith("LISTEN_PID=", StringComparison.Ordinal))
        {
            pid = arguments[0].Split('=')[1];
            arguments = arguments[1..];
        }

        return Own(Activation.Start(new Launch(arguments) { Folder = Folder.Path }, names: null, [listener], pid));
    }
}
