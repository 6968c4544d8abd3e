using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

[TestClass]
public sealed class PoetryLoggerTests
{
    private static readonly FixedTime Moment = new();
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly StringBuilder _text = new();

    [TestMethod]
    public void Text_Connection_IsOneSentence()
    {
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z info #17 served 600 of 600 bytes of poetry/ecstasy.txt to 127.0.0.1:54321 in 2 ms: whole\n",
            Log(LogFormat.Text, logger => Served().Log(logger)));
    }

    [TestMethod]
    [DataRow(nameof(ConnectionOutcome.Whole), "whole")]
    [DataRow(nameof(ConnectionOutcome.Left), "left")]
    [DataRow(nameof(ConnectionOutcome.Timeout), "timeout")]
    [DataRow(nameof(ConnectionOutcome.Refused), "refused")]
    [DataRow(nameof(ConnectionOutcome.Failed), "failed")]
    [DataRow(nameof(ConnectionOutcome.Stopped), "stopped")]
    public void Text_Outcome_IsAWord(string outcome, string word) =>
        Assert.AreEqual(word, ConnectionRecord.Word(Enum.Parse<ConnectionOutcome>(outcome)));

    [TestMethod]
    public void Text_ConnectionOfUnknownSize_SaysOnlyWhatWasSent()
    {
        ConnectionRecord record = Served(whole: -1, peer: SocketAddress.Unix("p\n.sock"));
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z info #17 served 600 bytes of poetry/ecstasy.txt to unix:p\\x0A.sock in 2 ms: whole\n",
            Log(LogFormat.Text, logger => record.Log(logger)));
    }

    [TestMethod]
    public void Json_Connection_HasAFieldForEverything()
    {
        string line = Log(LogFormat.Json, logger => Served(what: "a\"b\\c\n\u202e").Log(logger));
        Assert.AreEqual(line.IndexOf('\n', StringComparison.Ordinal), line.Length - 1);
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        Assert.AreEqual("2026-11-20T23:54:24.123Z", root.GetProperty("time").GetString());
        Assert.AreEqual("info", root.GetProperty("level").GetString());
        Assert.AreEqual("connection_closed", root.GetProperty("event").GetString());
        Assert.AreEqual(17, root.GetProperty("connection").GetInt64());
        Assert.AreEqual("served", root.GetProperty("message").GetString());
        Assert.AreEqual("127.0.0.1:54321", root.GetProperty("peer").GetString());
        Assert.AreEqual("a\"b\\c\n\u202e", root.GetProperty("what").GetString());
        Assert.AreEqual(600, root.GetProperty("bytes").GetInt64());
        Assert.AreEqual(600, root.GetProperty("size").GetInt64());
        Assert.AreEqual(2, root.GetProperty("ms").GetInt64());
        Assert.AreEqual("whole", root.GetProperty("outcome").GetString());
        Assert.IsFalse(line.Contains('\u202e', StringComparison.Ordinal));
    }

    [TestMethod]
    public void Json_ConnectionOfUnknownSize_HasNoSize()
    {
        using JsonDocument document = JsonDocument.Parse(Log(LogFormat.Json, logger => Served(whole: -1).Log(logger)));
        Assert.IsFalse(document.RootElement.TryGetProperty("size", out _));
    }

    [TestMethod]
    public void ToString_ForOtherLoggers_SaysTheSame() =>
        Assert.AreEqual("#17 served 600 of 600 bytes of poetry/ecstasy.txt to 127.0.0.1:54321 in 2 ms: whole", Served().ToString());

    [TestMethod]
    public void Log_Connection_AllocatesNothing()
    {
        // Nothing may be written while it is measured: the writer's thread is not this one, so its memory is not counted.
        using PoetryLogger logger = Create(LogLevel.Information, LogFormat.Text);
        ConnectionRecord record = Served();
        var message = new ConnectionMessage(17, "Using cached poem. (upstream)");
        for (int i = 0; i < 100; i++)
        {
            record.Log(logger);
            message.Log(logger, LogLevel.Information, default);
        }

        Assert.IsTrue(logger.Buffer.Flush(Patience));
        int lean = 0;

        // The precompiled framework allocates until its code is compiled again, which happens beside this thread. Five
        // passes in a row without any show that the logger itself allocates nothing, not even now and then.
        for (int pass = 0; pass < 10_000 && lean < 5; pass++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                record.Log(logger);
                message.Log(logger, LogLevel.Information, default);
            }

            lean = GC.GetAllocatedBytesForCurrentThread() == before ? lean + 1 : 0;
        }

        Assert.AreEqual(5, lean);
    }

    [TestMethod]
    public void Log_LessImportantThanAsked_IsLeftOut()
    {
        Assert.AreEqual(string.Empty, Log(LogFormat.Text, logger => Served().Log(logger), LogLevel.Warning));
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z warn two\n2026-11-20T23:54:24.123Z error three\n2026-11-20T23:54:24.123Z critical four\n",
            Log(
                LogFormat.Text,
                logger =>
                {
                    Say(logger, LogLevel.Debug, "zero");
                    Say(logger, LogLevel.Information, "one");
                    Say(logger, LogLevel.Warning, "two");
                    Say(logger, LogLevel.Error, "three");
                    Say(logger, LogLevel.Critical, "four");
                    Say(logger, LogLevel.None, "never");
                },
                LogLevel.Warning));
    }

    [TestMethod]
    public void Text_MessageFromOutside_StaysOneLine() =>
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z info a\\x0A2026 error forged\\x1B[2J \\u202E ä\n",
            Log(LogFormat.Text, logger => Say(logger, LogLevel.Information, "a\n2026 error forged\x1b[2J \u202e ä")));

    [TestMethod]
    public void Text_Exception_HasItsStackOnIndentedLines()
    {
        string text = Log(LogFormat.Text, logger => Say(logger, LogLevel.Error, "it broke", Thrown()));
        string[] lines = text.TrimEnd('\n').Split('\n');
        Assert.AreEqual("2026-11-20T23:54:24.123Z error it broke", lines[0]);
        Assert.AreEqual("    System.InvalidOperationException: first\\x1Bline", lines[1]);
        Assert.AreEqual("    second line", lines[2]);
        StringAssert.StartsWith(lines[3], "    at Poetry.Tests", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Json_Exception_IsAField()
    {
        string text = Log(LogFormat.Json, logger => Say(logger, LogLevel.Error, "it broke", Thrown()));
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.AreEqual("it broke", document.RootElement.GetProperty("message").GetString());
        StringAssert.StartsWith(
            document.RootElement.GetProperty("exception").GetString(),
            "System.InvalidOperationException: first\x1bline\nsecond line\n",
            StringComparison.Ordinal);
    }

    [TestMethod]
    public void Json_EventName_IsAField()
    {
        string text = Log(LogFormat.Json, logger => logger.Log(
            LogLevel.Information, new EventId(7, "Fetching"), "poem", null, static (state, _) => $"Fetching {state} from server."));
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.AreEqual("Fetching", document.RootElement.GetProperty("event").GetString());
        Assert.AreEqual("Fetching poem from server.", document.RootElement.GetProperty("message").GetString());
    }

    /// <summary>By ZLogger, from what LoggerMessage was given.</summary>
    [TestMethod]
    public void Json_ValuesOfAMessage_AreFields()
    {
        SocketAddress peer = SocketAddress.Unix("a\"b");
        using JsonDocument refused = JsonDocument.Parse(
            Log(LogFormat.Json, logger => TransformLog.RequestRefused(logger, 17, peer, "it is\ntoo long")));
        Assert.AreEqual("request_refused", refused.RootElement.GetProperty("event").GetString());
        Assert.AreEqual("#17 refused unix:a\"b: it is\ntoo long", refused.RootElement.GetProperty("message").GetString());
        Assert.AreEqual(17, refused.RootElement.GetProperty("connection").GetInt64());
        Assert.AreEqual("unix:a\"b", refused.RootElement.GetProperty("peer").GetString());
        Assert.AreEqual("it is\ntoo long", refused.RootElement.GetProperty("problem").GetString());
        using JsonDocument paused = JsonDocument.Parse(
            Log(LogFormat.Json, logger => ReactorLog.AcceptPauses(logger, peer, 20, "too many open files", 3)));
        Assert.AreEqual(20, paused.RootElement.GetProperty("pause_ms").GetInt32());
        using JsonDocument seconds = JsonDocument.Parse(Log(LogFormat.Json, logger => ReactorLog.LoopBlocked(logger, 1.25, "a", 0)));
        Assert.AreEqual(1.25, seconds.RootElement.GetProperty("seconds").GetDouble());
    }

    [TestMethod]
    public void ConnectionMessage_InTextAndJson_HasItsNumber()
    {
        var message = new ConnectionMessage(17, "Using cached poem. (a\x1b)");
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z info #17 Using cached poem. (a\\x1B)\n",
            Log(LogFormat.Text, logger => message.Log(logger, LogLevel.Information, new EventId(31, "cache_hit"))));
        Assert.AreEqual(
            "{\"time\":\"2026-11-20T23:54:24.123Z\",\"level\":\"info\",\"event\":\"cache_hit\",\"connection\":17,"
                + "\"message\":\"Using cached poem. (a\\u001B)\"}\n",
            Log(LogFormat.Json, logger => message.Log(logger, LogLevel.Information, new EventId(31, "cache_hit"))));
    }

    [TestMethod]
    public void Connection_Detail_IsShown()
    {
        ConnectionRecord record = Served() with { Detail = "stale\n" };
        StringAssert.Contains(Log(LogFormat.Text, logger => record.Log(logger)), ": whole (stale\\x0A)\n");
        StringAssert.Contains(Log(LogFormat.Json, logger => record.Log(logger)), ",\"outcome\":\"whole\",\"detail\":\"stale\\n\"}\n");
        Assert.AreEqual("whole (stale\n)", record.ToString()[^14..]);
    }

    /// <summary>Each line of an exception is a record of its own to the journal.</summary>
    [TestMethod]
    public void Text_WithPriorities_BeginsEveryLineWithOne()
    {
        _ = _text.Clear();
        using (var logger = new PoetryLogger(LogLevel.Trace, LogFormat.Text, Write, Moment, hasPriorities: true))
        {
            Say(logger, LogLevel.Debug, "one");
            Say(logger, LogLevel.Information, "two");
            Say(logger, LogLevel.Warning, "three");
            Say(logger, LogLevel.Critical, "four");
            Say(logger, LogLevel.Error, "it broke", Thrown());
        }

        string[] lines = _text.ToString().TrimEnd('\n').Split('\n');
        string[] starts = ["<7>2026", "<6>2026", "<4>2026", "<2>2026", "<3>2026", "<3>    ", "<3>    ", "<3>    "];
        CollectionAssert.AreEqual(starts, lines[..starts.Length].Select(line => line[..7]).ToArray());
    }

    [TestMethod]
    public void Log_EndlessMessage_IsCutAndStillWellFormed()
    {
        foreach (string piece in (string[])["x", "\n", "\"", "🎭", "\u202e"])
        {
            for (int length = 4000; length < 20_000; length += 997)
            {
                string message = new StringBuilder().Insert(0, piece, length).ToString();
                string json = Log(LogFormat.Json, logger => Say(logger, LogLevel.Error, message, Thrown()));
                using JsonDocument document = JsonDocument.Parse(json);
                Assert.IsTrue(json.Length <= 16 * 1024);
                string text = Log(LogFormat.Text, logger => Say(logger, LogLevel.Error, message));
                Assert.AreEqual(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
            }
        }
    }

    [TestMethod]
    public void Log_LongNameOfAPoem_IsCutAt200Bytes()
    {
        string text = Log(LogFormat.Text, logger => Served(what: new string('x', 1000)).Log(logger));
        StringAssert.Contains(text, $" of {new string('x', 200)}... to ", StringComparison.Ordinal);
        string json = Log(LogFormat.Json, logger => Served(what: new string('\u202e', 1000)).Log(logger));
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.AreEqual(new string('\u202e', 66) + "...", document.RootElement.GetProperty("what").GetString());
    }

    [TestMethod]
    public void Log_HalfOfASurrogatePair_IsReplaced() =>
        Assert.AreEqual(
            "2026-11-20T23:54:24.123Z info a\ufffdb\n",
            Log(LogFormat.Text, logger => Say(logger, LogLevel.Information, "a\ud83db")));

    [TestMethod]
    public void Dispose_WritesTheRest()
    {
        using (PoetryLogger logger = Create(LogLevel.Trace, LogFormat.Text))
        {
            Assert.IsNull(logger.BeginScope("scope"));
            Say(logger, LogLevel.Trace, "bye");
        }

        Assert.AreEqual("2026-11-20T23:54:24.123Z trace bye\n", _text.ToString());
    }

    private static ConnectionRecord Served(string what = "poetry/ecstasy.txt", long whole = 600, SocketAddress? peer = null) => new()
    {
        Number = 17,
        Action = "served",
        Peer = peer ?? SocketAddress.Ip([127, 0, 0, 1], 54321),
        Resource = what,
        BytesSent = 600,
        TotalBytes = whole,
        Duration = TimeSpan.FromMilliseconds(2.9),
        Outcome = ConnectionOutcome.Whole,
    };

    private static void Say(ILogger logger, LogLevel level, string message, Exception? exception = null) =>
        logger.Log(level, default, message, exception, static (state, _) => state);

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("first\x1bline\nsecond line");
        }
        catch (InvalidOperationException exception)
        {
            return exception;
        }
    }

    private PoetryLogger Create(LogLevel minLevel, LogFormat format) =>
        new(minLevel, format, Write, Moment);

    private Errno Write(ReadOnlySpan<byte> bytes, out int written)
    {
        written = bytes.Length;
        lock (_text)
        {
            _ = _text.Append(Encoding.UTF8.GetString(bytes));
        }

        return Errno.None;
    }

    private string Log(LogFormat format, Action<ILogger> log, LogLevel least = LogLevel.Information)
    {
        _ = _text.Clear();
        using PoetryLogger logger = Create(least, format);
        log(logger);
        Assert.IsTrue(logger.Buffer.Flush(Patience));
        lock (_text)
        {
            return _text.ToString();
        }
    }

    /// <summary>A wall clock that stands still.</summary>
    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 20, 23, 54, 24, 123, TimeSpan.Zero);
    }
}
