using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Everything may be called from everywhere: each callback of a protocol does each thing that it could do to its own
/// connection, to another one or to the loop. What must come of it is the same in every case: the loop goes on, nothing is
/// logged, and each connection is made once and lost once, last, from the loop.
/// </summary>
[TestClass]
public sealed class ReentranceTests
{
    private static readonly Dictionary<string, Action<Scene, ScriptedProtocol>> Acts = new()
    {
        ["writes"] = (_, protocol) => protocol.Transport.Write("again"u8),
        ["writes much"] = (_, protocol) => protocol.Transport.Write(new byte[1 << 20]),
        ["writes its last"] = (_, protocol) => protocol.Transport.WriteLast("last"u8.ToArray()),
        ["loses the connection"] = (_, protocol) => protocol.Transport.LoseConnection(),
        ["loses it twice"] = (_, protocol) =>
        {
            protocol.Transport.LoseConnection();
            protocol.Transport.LoseConnection();
        },
        ["writes and aborts"] = (_, protocol) =>
        {
            protocol.Transport.Write(new byte[1 << 20]);
            protocol.Transport.AbortConnection();
            protocol.Transport.Write("ignored"u8);
        },
        ["ends its writing"] = (_, protocol) => protocol.Transport.LoseWriteConnection(),
        ["pauses and resumes"] = (_, protocol) =>
        {
            protocol.Transport.PauseProducing();
            protocol.Transport.ResumeProducing();
        },
        ["aborts the other"] = (scene, _) => scene.Other.Only.Transport.AbortConnection(),
        ["writes to the other"] = (scene, _) => scene.Other.Only.Transport.Write("hello"u8),
        ["stops listening"] = (scene, _) => scene.Port!.StopListening(),
        ["listens"] = (scene, _) =>
            scene.Loop.Reactor.ListenTcp(TurnedReactor.AnyPort, new ScriptedFactory()).StopListening(),
        ["calls later"] = (scene, protocol) => scene.Loop.Reactor.CallLater(
            TimeSpan.Zero, () => Assert.IsFalse(scene.IsInside, "a call after no time comes in the next turn")),
        ["calls from thread"] = (scene, protocol) => scene.Loop.Reactor.CallFromThread(
            () => Assert.IsFalse(scene.IsInside, "the loop makes it")),
        ["cancels its own call"] = (scene, _) =>
        {
            DelayedCall? call = null;
            call = scene.Loop.Reactor.CallLater(TimeSpan.Zero, () => Assert.ThrowsExactly<AlreadyCalled>(call!.Cancel));
        },
        ["closes all connections"] = (scene, _) => scene.Loop.Reactor.Connections.CloseAll(),
    };

    public static IEnumerable<object[]> Matrix
    {
        get
        {
            foreach (object[] backend in Backends.All)
            {
                foreach (string callback in new[] { "made", "data", "read lost", "lost", "producer" })
                {
                    yield return [backend[0], callback];
                }
            }
        }
    }

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(Matrix))]
    public void AnyCallback_DoesAnything(string backend, string callback)
    {
        foreach ((string act, Action<Scene, ScriptedProtocol> what) in Acts)
        {
            using var scene = new Scene(backend);
            scene.Play(callback, what, $"in {callback} it {act}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnyCallback_StopsTheReactor(string backend)
    {
        foreach (string callback in new[] { "made", "data", "read lost", "lost", "producer" })
        {
            using var scene = new Scene(backend);
            scene.PlayToTheEnd(callback);
        }
    }

    /// <summary>A connection on which every callback comes, if the act does not prevent it, and another that is only there.</summary>
    private sealed class Scene : IDisposable, IProducer
    {
        private readonly Socket _otherClient;
        private Action<Scene, ScriptedProtocol>? _act;
        private string _callback = string.Empty;
        private ScriptedProtocol? _protocol;
        private bool _isPaused;

        public Scene(string backend)
        {
            Loop = new TurnedReactor(backend);
            _otherClient = Loop.Connected(Other);
        }

        public TurnedReactor Loop { get; }

        public ScriptedFactory Other { get; } = new();

        public ListeningPort? Port { get; private set; }

        public bool IsInside { get; private set; }

        public void Play(string callback, Action<Scene, ScriptedProtocol> act, string what)
        {
            ScriptedFactory factory = Listen(callback, act);
            Loop.While(() => Talk(Port!.Address.Port));
            Loop.Until(() => factory.Only.IsLost, $"{what}: the end of the connection");
            Assert.IsEmpty(Loop.Log.Exceptions, what);
            Loop.Reactor.Connections.CloseAll();
            Loop.Until(() => Other.Only.IsLost && Loop.Reactor.Connections.Count == 0, $"{what}: the end of all");
            Assert.IsEmpty(Loop.Log.Exceptions, what);
        }

        /// <summary>The same on a reactor that runs, and is stopped by the act.</summary>
        public void PlayToTheEnd(string callback)
        {
            ScriptedFactory factory = Listen(callback, (scene, _) => scene.Loop.Reactor.Stop());
            var client = new System.Threading.Thread(() => Talk(Port!.Address.Port)) { IsBackground = true };
            client.Start();
            bool ranOut = false;
            DelayedCall deadline = Loop.Reactor.CallLater(TimeSpan.FromMilliseconds(Patience.Milliseconds), () =>
            {
                ranOut = true;
                Loop.Reactor.Stop();
            });
            Loop.Reactor.Run();
            deadline.CancelIfActive();
            client.Join();
            _ = deadline.CancelIfActive();
            Assert.IsFalse(ranOut, $"{callback} did not come");
            Assert.IsTrue(factory.Only.IsLost);
            Assert.IsTrue(Other.Only.IsLost);
            Assert.IsEmpty(Loop.Log.Exceptions, callback);
        }

        public void Dispose()
        {
            Loop.Dispose();
            _otherClient.Dispose();
        }

        public void PauseProducing() => _isPaused = true;

        public void ResumeProducing()
        {
            Act("producer", _protocol!);
            _protocol!.Transport.LoseConnection();
        }

        private ScriptedFactory Listen(string callback, Action<Scene, ScriptedProtocol> act)
        {
            _callback = callback;
            _act = act;
            var factory = new ScriptedFactory(() => _protocol = new ScriptedProtocol
            {
                OnMade = protocol =>
                {
                    if (callback == "producer")
                    {
                        protocol.Transport.RegisterProducer(this);
                        while (!_isPaused)
                        {
                            protocol.Transport.Write(new byte[1 << 20]);
                        }
                    }

                    Act("made", protocol);
                },
                OnData = (protocol, _) => Act("data", protocol),
                OnReadLost = protocol =>
                {
                    Act("read lost", protocol);
                    if (callback != "producer")
                    {
                        protocol.Transport.LoseConnection();
                    }
                },
                OnLost = (protocol, _) => Act("lost", protocol),
            });
            Port = Loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
            return factory;
        }

        private void Act(string callback, ScriptedProtocol protocol)
        {
            if (callback != _callback || _act is not { } act)
            {
                return;
            }

            _act = null;
            IsInside = true;
            act(this, protocol);
            IsInside = false;
        }

        /// <summary>Sends a word and its end, and reads whatever comes; a reset is as good an end as any here.</summary>
        private static void Talk(int port)
        {
            using Socket client = Wire.Connect(port);
            try
            {
                _ = client.Send("word"u8);
                client.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                return;
            }

            _ = Wire.ReadToEnd(client, _ => { });
        }
    }
}
