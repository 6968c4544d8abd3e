using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// Servers that refuse, hang, crawl, lie and die: each is one failure that says what is wrong, within the timeout, and the next
/// operation works as soon as the server does.
/// </summary>
[TestClass]
public sealed partial class RedisFaultTests
{
    private const string Key = "test:{plain:-:host:10001}";
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    private readonly RedisWorld _world = new();
    private RedisStore? _store;

    [TestCleanup]
    public void Close()
    {
        _store?.Close();
        _world.AssertEnded();
        _world.Dispose();
    }

    [TestMethod]
    [DataRow("redis://:wrong@", "WRONGPASS")]
    [DataRow("redis://other:wrong@", "WRONGPASS")]
    [DataRow("redis://", "NOAUTH")]
    public void Password_ThatIsWrongOrMissing_IsSaid_AndNotShown(string start, string expected)
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", Text(port), "--requirepass", "right");
        _store = _world.Store($"{start}127.0.0.1:{Text(port)}");
        string message = FailureOf(_store.Probe());
        Assert.Contains(expected, message);
        Assert.StartsWith($"127.0.0.1:{Text(port)}: ", message);
        Assert.DoesNotContain("wrong@", message);
    }

    [TestMethod]
    [DataRow("redis://:right@")]
    [DataRow("redis://default:right@")]
    [DataRow("redis://poet:r%40%5Ft@")]
    public void Password_ThatIsRight_SignsIn_InTheDatabaseThatIsNamed(string start)
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", Text(port));
        Assert.AreEqual("+OK", server.Run("ACL", "SETUSER", "poet", "on", ">r@_t", "~*", "&*", "+@all"));
        Assert.AreEqual("+OK", server.Run("CONFIG", "SET", "requirepass", "right"));
        _store = _world.Store($"{start}127.0.0.1:{Text(port)}/3");
        _ = _world.Wait(_store.Probe());
        RedisStore other = _world.Store(server.Address + "?db=3", password: "right");
        Assert.AreEqual(SharedLock.Taken, _world.Wait(_store.TryLock(Key, "a", replacesInvalid: false)));
        Assert.AreEqual(SharedLock.Held, _world.Wait(other.TryLock(Key, "b", replacesInvalid: false)));
        other.Close();
    }

    /// <summary>A command that follows a SELECT that was refused would be carried out in another database.</summary>
    [TestMethod]
    public void Database_ThatDoesNotExist_IsAFailure_AndNothingIsWrittenElsewhere()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address + "?db=99");
        Assert.Contains("sign in", FailureOf(_store.Probe()));
        Assert.AreEqual(string.Empty, server.Run("KEYS", "*"));
    }

    /// <summary>A server that does not know AUTH repeats its arguments: with the password.</summary>
    [TestMethod]
    public void Server_ThatRepeatsThePassword_IsNotQuoted()
    {
        using FaultServer server = Answering("-ERR unknown command `AUTH`, with args beginning with: `secret`, \r\n");
        _store = _world.Store($"redis://:secret@{server.Address}");
        string message = FailureOf(_store.Probe());
        Assert.DoesNotContain("secret", message);
        Assert.Contains("sign in", message);
    }

    [TestMethod]
    public void Full_IsAFailureOfWrites_AndReadsGoOn()
    {
        using var server = new RedisServer("--maxmemory-policy", "noeviction");
        _store = _world.Store(server.Address);
        _ = server.Run("SET", Key, "value");
        _ = _world.Wait(_store.TryLock(Key, "a", replacesInvalid: false));
        _ = server.Run("CONFIG", "SET", "maxmemory", "1");
        Assert.Contains("OOM", FailureOf(_store.Probe()));
        PoemBuffer poem = _world.Poem(new byte[100_000]);
        AssertRefused("OOM", _store.Store(Key, "a", poem, TimeSpan.MaxValue));
        poem.Release();
        Assert.IsTrue(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
        _ = _world.Wait(_store.Unlock(Key, "a"));
        Assert.IsNull(server.Run("GET", SharedNames.LockOf(Key)), "a lock is given back to a full server");
        _ = server.Run("CONFIG", "SET", "maxmemory", "0");
        _ = _world.Wait(_store.Probe());
    }

    [TestMethod]
    public void Replica_RefusesWrites_AndTheNextServerIsUsed()
    {
        int port = FaultServer.FreePort();
        using var master = new RedisServer("--port", Text(port));
        int replicaPort = FaultServer.FreePort();
        using var replica = new RedisServer("--port", Text(replicaPort), "--replicaof", $"127.0.0.1 {Text(port)}");
        _store = _world.Store($"redis://127.0.0.1:{Text(replicaPort)},127.0.0.1:{Text(port)}");
        Assert.Contains("READONLY", FailureOf(_store.Probe()));
        _ = _world.Wait(_store.Probe());
    }

    [TestMethod]
    public void Acl_ThatRefuses_IsAFailure()
    {
        using var server = new RedisServer();
        Assert.AreEqual(
            "+OK",
            server.Run("ACL", "SETUSER", "default", "resetkeys", "resetchannels", "-@all", "~test:*", "+get", "+pttl", "+set", "+subscribe"));
        _store = _world.Store(server.Address);
        _ = _world.Wait(_store.Probe());
        AssertRefused("NOPERM", _store.Renew(Key, "a"));
        Assert.Contains("NOPERM", FailureOf(_store.Subscribe(static _ => { }, static _ => { })));
    }

    [TestMethod]
    public void Paused_IsAFailureWithinTheTimeout_AndItComesBack()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address, Short);
        _ = _world.Wait(_store.Probe());
        Assert.IsFalse(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
        string lost = string.Empty;
        _ = _world.Wait(_store.Subscribe(static _ => { }, error => lost = error.Message));
        server.Pause();
        long begun = Environment.TickCount64;
        Assert.Contains("timed out", FailureOf(_store.Probe()));
        Assert.Contains("timed out", FailureOf(_store.Get(Key, new ValueReceiver())));
        Assert.IsLessThan(5000, Environment.TickCount64 - begun);
        server.Resume();
        _ = _world.Wait(_store.Probe());
        Assert.IsFalse(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
        Assert.AreEqual(string.Empty, lost, "it is pinged every 10 s only");
    }

    [TestMethod]
    public void Killed_IsAFailure_AndARestartedServerIsUsedAtOnce()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address);
        _ = _world.Wait(_store.Probe());
        int lost = 0;
        _ = _world.Wait(_store.Subscribe(static _ => { }, _ => lost++));
        server.Kill();
        _world.Loop.Until(() => lost == 1, "the end of the subscription");
        Assert.Contains("no such file", FailureOf(_store.Probe()).ToLowerInvariant());
        server.Start();
        _ = _world.Wait(_store.Probe());
        _ = _world.Wait(_store.Subscribe(static _ => { }, _ => lost++));
    }

    [TestMethod]
    public void Killed_InTheMiddleOfAValue_IsAFailure()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address);
        _ = server.Run("SET", Key, new string('x', 8_000_000));
        bool isKilled = false;
        var receiver = new ValueReceiver
        {
            OnBytes = _ =>
            {
                if (!isKilled)
                {
                    isKilled = true;
                    server.Kill();
                }
            },
        };
        _ = FailureOf(_store.Get(Key, receiver));
        Assert.IsGreaterThan(0, receiver.Bytes.WrittenCount);
        Assert.IsLessThan(8_000_000, receiver.Bytes.WrittenCount);
    }

    /// <summary>Redis closes idle connections (its option timeout), and so do balancers: no operation fails for it.</summary>
    [TestMethod]
    public void IdleConnections_ThatWereClosed_AreOpenedAnewInSilence()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address);
        for (int i = 0; i < 5; i++)
        {
            _ = _world.Wait(_store.Probe());
            Assert.IsFalse(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);

            // Not turned in between, so that the commands are written before the ends of the connections are read.
            Assert.AreEqual(":2", server.Run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
            Deferred<Unit> probing = _store.Probe();
            _ = _world.Wait(_store.Get(Key, new ValueReceiver()));
            _ = _world.Wait(probing);
        }
    }

    [TestMethod]
    public void Pause_OfTheReceiver_IsNoTimeout_AndAValueDeletedMeanwhileComesWhole()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address, Short);
        _ = server.Run("SET", Key, new string('x', 5_000_000));
        bool resumed = false;
        var receiver = new ValueReceiver
        {
            OnBytes = receiver =>
            {
                if (receiver.Bytes.WrittenCount > 1_000_000 && !resumed)
                {
                    receiver.Producer!.PauseProducing();
                    if (receiver.Bytes.WrittenCount < 3_000_000)
                    {
                        receiver.OnBytes = null;
                        _ = server.Run("DEL", Key);
                        _ = _world.Loop.Reactor.CallLater(Short * 2, () =>
                        {
                            resumed = true;
                            receiver.Producer!.ResumeProducing();
                        });
                    }
                }
            },
        };
        SharedRead read = _world.Wait(_store.Get(Key, receiver));
        Assert.IsTrue(read.IsHit && resumed);
        Assert.AreEqual(5_000_000, receiver.Bytes.WrittenCount);
        Assert.IsFalse(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
    }

    /// <summary>A byte now and then is no progress, and 16 KiB in each timeout are.</summary>
    [TestMethod]
    [DataRow(1, false)]
    [DataRow(50_000, true)]
    public void Slow_IsJudgedByItsProgress(int bytesAtOnce, bool isWhole)
    {
        const int Length = 500_000;
        using var over = new ManualResetEventSlim();
        using var server = new FaultServer((client, _) =>
        {
            ReadSome(client);
            _ = client.Send(Encoding.Latin1.GetBytes($":-1\r\n${Length}\r\n"));
            byte[] piece = new byte[bytesAtOnce];
            for (int sent = 0; sent < Length && !over.Wait(200); sent += bytesAtOnce)
            {
                _ = client.Send(piece);
            }

            _ = client.Send("\r\n"u8);
        });
        _store = _world.Store($"redis://{server.Address}", Short);
        var receiver = new ValueReceiver();
        if (isWhole)
        {
            Assert.AreEqual(Length, _world.Wait(_store.Get(Key, receiver)).Length);
        }
        else
        {
            Assert.Contains("timed out", FailureOf(_store.Get(Key, receiver)));
        }

        over.Set();
    }

    [TestMethod]
    [DataRow("HTTP/1.1 400 Bad Request\r\n\r\n", "this is not Redis")]
    [DataRow("+OK\r\n+OK\r\n", "does not fit")]
    [DataRow(":1\r\n:1\r\n", "does not fit")]
    [DataRow(":1\r\n*1\r\n$1\r\na\r\n", "does not fit")]
    [DataRow(":1\r\n$2\r\nabc\r\n", "not followed by CRLF")]
    [DataRow(":1\r\n$99999999999999999999\r\n", "a length is wrong")]
    [DataRow("-LOADING Redis is loading the dataset in memory\r\n-LOADING x\r\n", "LOADING Redis is loading")]
    [DataRow("-MOVED 1 nowhere\r\n$-1\r\n", "MOVED 1 nowhere")]
    public void Garbage_IsAFailure(string answer, string expected)
    {
        using FaultServer server = Answering(answer);
        _store = _world.Store($"redis://{server.Address}");
        Assert.Contains(expected, FailureOf(_store.Get(Key, new ValueReceiver())));
    }

    [TestMethod]
    public void ReplyThatNothingAskedFor_ClosesItsConnection_AndTheNextOperationWorks()
    {
        using var server = new FaultServer((client, number) =>
        {
            ReadSome(client);
            _ = client.Send(number == 1 ? "+OK\r\n+OK\r\n"u8 : "+OK\r\n"u8);
        });
        _store = _world.Store($"redis://{server.Address}");
        _ = _world.Wait(_store.Probe());
        _world.Loop.Until(() => _world.Loop.Reactor.Connections.Count == 0, "the end of the connection");
        _ = _world.Wait(_store.Probe());
    }

    /// <summary>The poem may be freed as soon as the operation has ended, so no byte of it may be sent later.</summary>
    [TestMethod]
    public void ReplyBeforeTheWholePoemWasTaken_IsAFailure()
    {
        using FaultServer server = Answering(":1\r\n");
        _store = _world.Store($"redis://{server.Address}");
        PoemBuffer poem = _world.Poem(new byte[64 * 1024 * 1024], 1 << 20);
        Assert.Contains("before it had the whole command", FailureOf(_store.Store(Key, "a", poem, TimeSpan.MaxValue)));
        poem.Release();
    }

    [TestMethod]
    public void SeveralServers_AreTriedInTurn()
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", Text(port));
        string dead = Text(FaultServer.FreePort());
        _store = _world.Store($"redis://127.0.0.1:{dead},127.0.0.1:{dead},127.0.0.1:{Text(port)}");
        Deferred<Unit> one = _store.Probe();
        Deferred<SharedRead> other = _store.Get(Key, new ValueReceiver());
        _ = _world.Wait(one);
        Assert.IsFalse(_world.Wait(other).IsHit);
        server.Kill();
        Assert.Contains("connection refused", FailureOf(_store.Get(Key, new ValueReceiver())));
    }

    [TestMethod]
    public void TooManyClients_IsSaid()
    {
        using var server = new RedisServer("--maxclients", "1");
        _store = _world.Store(server.Address);
        using Socket first = Wire.Connect(server.SocketPath);
        _ = first.Send("PING\r\n"u8);
        _ = first.Receive(new byte[10]);

        // It may close before our first byte, which then meets a broken pipe: its line is read all the same.
        Assert.Contains("max number of clients", FailureOf(_store.Probe()));
    }

    [TestMethod]
    public void Cancel_OfARead_ClosesItsConnection_AndNoOther()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address);
        _ = server.Run("SET", Key, new string('x', 8_000_000));
        Deferred<SharedRead>? reading = null;
        var receiver = new ValueReceiver { OnBytes = _ => reading!.Cancel() };
        reading = _store.Get(Key, receiver);
        Deferred<Unit> probing = _store.Probe();
        Assert.ThrowsExactly<CancelledError>(() => _world.Wait(reading));
        _ = _world.Wait(probing);
        _world.Loop.Until(() => _world.Loop.Reactor.Connections.Count == 1, "the end of its connection");
        Assert.IsTrue(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
    }

    /// <summary>A poem of the default --shared-max, through a server that has to take it in many pieces.</summary>
    [TestMethod]
    public void PoemOf64MiB_GoesThroughAndBack()
    {
        using var server = new RedisServer();
        _store = _world.Store(server.Address);
        byte[] bytes = new byte[64 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        PoemBuffer poem = _world.Poem(bytes);
        _ = _world.Wait(_store.TryLock(Key, "a", replacesInvalid: false));
        Assert.IsTrue(_world.Wait(_store.Store(Key, "a", poem, TimeSpan.MaxValue)));
        poem.Release();
        var receiver = new ValueReceiver();
        Assert.AreEqual(bytes.Length, _world.Wait(_store.Get(Key, receiver)).Length);
        Assert.IsTrue(receiver.Bytes.WrittenSpan.SequenceEqual(bytes));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Waits for a command, answers to it, and goes on reading.</summary>
    private static FaultServer Answering(string answer) => new((client, _) =>
    {
        ReadSome(client);
        _ = client.Send(Encoding.Latin1.GetBytes(answer));
    });

    private static void ReadSome(Socket client) => _ = client.Receive(new byte[4096]);

    private string FailureOf<T>(Deferred<T> deferred) =>
        Assert.ThrowsExactly<SharedStoreError>(() => _world.Wait(deferred)).Message;
}
