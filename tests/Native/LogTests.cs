using System.Diagnostics;
using System.Text.Json;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The log of the published executable: what its readers see, and what a bad reader costs.</summary>
[TestClass]
public sealed class LogTests : NativeTests
{
    /// <summary>The log thread may flush for a second at the end; the rest is patience for a loaded machine.</summary>
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(6);

    /// <summary>Aim: a reader that stops reading never stops the server. Method: a log of 400 KB into a pipe that holds 64.</summary>
    [TestMethod]
    public void Log_ReaderStopsReading_ServerServesAndEnds()
    {
        NativeBinary server = ServeIntoPipe(out FileStream log);
        using (log)
        {
            Wire.Fetch(server.Port()).AssertIs(MakePoem(5000));
            Wire.Fetch(server.Port()).AssertIs(MakePoem(5000));
            var clock = Stopwatch.StartNew();
            server.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, server.WaitForExit().ExitCode);
            Assert.IsLessThan(LongestEnd, clock.Elapsed);
        }
    }

    [TestMethod]
    public void Log_ReaderIsGone_ServerServesAndEnds()
    {
        NativeBinary server = ServeIntoPipe(out FileStream log);
        log.Dispose();
        Wire.Fetch(server.Port()).AssertIs(MakePoem(5000));
        Wire.Fetch(server.Port()).AssertIs(MakePoem(5000));
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    /// <summary>Exceptions have several lines, which the journal takes for several records: each has its priority.</summary>
    [TestMethod]
    [DataRow("text", true)]
    [DataRow("json", false)]
    public void Log_OnTheJournal_HasPriorities(string format, bool expected)
    {
        _ = Folder.Write("poem.txt", []);
        var launch = new Launch("serve", "--log-format", format, "poem.txt") { Environment = { ["JOURNAL_STREAM"] = "8:12345" } };
        NativeBinary server = Start(launch);
        Wire.Fetch(server.Port()).AssertIs([]);
        server.Signal(Posix.SIGTERM);
        string[] lines = server.WaitForExit().ErrorLines;
        Assert.AreEqual(expected, lines[0].StartsWith("<4>2", StringComparison.Ordinal), lines[0]);
        Assert.AreEqual(expected, lines[1].StartsWith("<6>2", StringComparison.Ordinal), lines[1]);
    }

    /// <summary>In text and in JSON a number ties the records of a connection together, and values are fields.</summary>
    [TestMethod]
    public void Log_Connections_AreNumbered()
    {
        _ = Folder.Write("poem.txt", MakePoem(60));
        string[] options = ["--num-bytes", "30", "--delay", "0", "--log-level", "debug"];
        NativeBinary text = Start(new Launch(["slow-serve", .. options, "poem.txt"]));
        NativeBinary json = Start(new Launch(["slow-serve", .. options, "--log-format", "json", "poem.txt"]));
        for (int i = 0; i < 2; i++)
        {
            Wire.Fetch(text.Port()).AssertIs(MakePoem(60));
            Wire.Fetch(json.Port()).AssertIs(MakePoem(60));
        }

        text.Signal(Posix.SIGTERM);
        json.Signal(Posix.SIGTERM);
        string[] lines = text.WaitForExit().ErrorLines;
        string[] events = ["client_connected", "connection_closed", "piece_sent", "piece_sent"];
        JsonElement[] records = [.. json.WaitForExit().ErrorLines.Select(line => JsonDocument.Parse(line).RootElement)];
        for (int number = 1; number <= 2; number++)
        {
            Assert.AreEqual(4, lines.Count(line => line.Contains($" #{number} ", StringComparison.Ordinal)), string.Join('\n', lines));
            JsonElement[] own = [.. records.Where(record => NumberOf(record) == number)];
            CollectionAssert.AreEqual(events, own.Select(record => record.GetProperty("event").GetString()).Order().ToArray());
            Assert.AreEqual(1, own.Select(record => record.GetProperty("peer").GetString()).Distinct().Count());
            Assert.AreEqual(2, own.Count(record => record.TryGetProperty("count", out JsonElement count) && count.GetInt32() == 30));
        }
    }

    private static long NumberOf(JsonElement record) =>
        record.TryGetProperty("connection", out JsonElement number) ? number.GetInt64() : 0;

    /// <summary>A slow server that sends single bytes at level debug logs 80 times as much as it sends.</summary>
    private NativeBinary ServeIntoPipe(out FileStream log)
    {
        _ = Folder.Write("poem.txt", MakePoem(5000));
        Posix.MakeFifo(Folder["log"]);
        string[] arguments = ["slow-serve", "--num-bytes", "1", "--delay", "0", "--log-level", "debug", "poem.txt"];
        NativeBinary server = Start(new Launch(arguments) { Redirection = "2>log" });
        log = File.OpenRead(Folder["log"]);
        return server;
    }
}
