using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Poetry.Tests.Testing;

/// <summary>
/// A real Redis server of one test: on a Unix socket in its folder, and on a TCP port if asked. It keeps nothing on disk and
/// ends with the test. Where redis-server is not installed, the test is inconclusive and says so. Debian 12 has no package of
/// Valkey: nothing has run against it.
/// </summary>
internal sealed class RedisServer : IDisposable
{
    private const string Program = "redis-server";

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _options;
    private Process? _process;
    private ProcessOutput? _output;
    private ProcessOutput? _errors;

    /// <summary>Starts one, and waits until it answers.</summary>
    /// <param name="options">More options of redis-server, such as <c>--requirepass</c>, <c>secret</c>.</param>
    public RedisServer(params string[] options)
    {
        _options = options;
        try
        {
            Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The address of its Unix socket, as a user types it.</summary>
    public string Address => $"unix:{SocketPath}";

    public string SocketPath => _folder["redis.sock"];

    /// <summary>Its process, to be paused or killed.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>What it has logged.</summary>
    public string Log => _output?.Text ?? string.Empty;

    /// <summary>Makes the test inconclusive where a program of Redis is not installed.</summary>
    public static string Require(string program)
    {
        string path = Path.Combine("/usr/bin", program);
        if (!File.Exists(path))
        {
            Assert.Inconclusive($"{program} is not installed (Debian: apt-get install redis-server)");
        }

        return path;
    }

    /// <summary>Starts it again with the same options, after <see cref="Kill"/>. It is empty.</summary>
    public void Start()
    {
        string[] command =
        [
            Require(Program), "--save", string.Empty, "--appendonly", "no", "--unixsocket", SocketPath, "--dir", _folder.Path,
            .. Array.Exists(_options, option => option == "--port") ? Array.Empty<string>() : ["--port", "0"], .. _options,
        ];
        _process = ToolRun.Start(_folder.Path, command);
        _process.StandardInput.Close();
        _output = new ProcessOutput(_process.StandardOutput.BaseStream, "standard output of redis-server");
        _errors = new ProcessOutput(_process.StandardError.BaseStream, "standard error of redis-server");
        bool isReady = false;
        _ = SpinWait.SpinUntil(
            () => (isReady = Log.Contains("eady to accept connections", StringComparison.Ordinal)) || _process.HasExited,
            Patience.Milliseconds);
        Assert.IsTrue(isReady, $"redis-server did not start; it says:\n{Log}\n{_errors.Text}");
    }

    /// <summary>Kills it, as a crash would.</summary>
    public void Kill()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            process.WaitForExit();
            _output!.WaitForEnd();
            _errors!.WaitForEnd();
            _output.Dispose();
            _errors.Dispose();
            process.Dispose();
            File.Delete(SocketPath);
        }
    }

    /// <summary>Stops its process where it is: it keeps its connections, and answers nothing.</summary>
    public void Pause() => Posix.Kill(ProcessId, Posix.SIGSTOP);

    /// <summary>Lets it go on after <see cref="Pause"/>.</summary>
    public void Resume() => Posix.Kill(ProcessId, Posix.SIGCONT);

    /// <summary>Runs a command by a connection of its own that knows nothing of the product.</summary>
    /// <returns>The reply: the line of a text, number or error with its first byte, the bytes of a bulk string, null for none;
    /// an array as its elements in lines.</returns>
    public string? Run(params string[] command) => RedisTalk.Run(new UnixDomainSocketEndPoint(SocketPath), command);

    public void Dispose()
    {
        Kill();
        _folder.Dispose();
    }
}

/// <summary>The simplest client of Redis that there is, so that a test does not judge our client by itself.</summary>
internal static class RedisTalk
{
    /// <summary>Sends one command over a new connection, and waits for its reply.</summary>
    public static string? Run(EndPoint server, params string[] command)
    {
        using var socket = new Socket(
            server.AddressFamily, SocketType.Stream, server is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp);
        socket.ReceiveTimeout = Patience.Milliseconds;
        socket.Connect(server);
        using var stream = new NetworkStream(socket);
        var text = new StringBuilder($"*{command.Length}\r\n");
        foreach (string argument in command)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"${Encoding.Latin1.GetByteCount(argument)}\r\n{argument}\r\n");
        }

        stream.Write(Encoding.Latin1.GetBytes(text.ToString()));
        return Read(stream);
    }

    private static string? Read(Stream stream)
    {
        string line = ReadLine(stream);
        if (line[0] is not ('$' or '*'))
        {
            return line;
        }

        int count = int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
        if (count < 0)
        {
            return null;
        }

        if (line[0] == '*')
        {
            var elements = new List<string?>();
            for (int i = 0; i < count; i++)
            {
                elements.Add(Read(stream));
            }

            return string.Join('\n', elements);
        }

        byte[] bytes = new byte[count + 2];
        stream.ReadExactly(bytes);
        return Encoding.Latin1.GetString(bytes, 0, count);
    }

    private static string ReadLine(Stream stream)
    {
        var line = new StringBuilder();
        for (int next = stream.ReadByte(); next != '\n'; next = stream.ReadByte())
        {
            Assert.IsGreaterThanOrEqualTo(0, next, $"the server closed after: {line}");
            _ = line.Append((char)next);
        }

        return line.ToString().TrimEnd('\r');
    }
}
