using System;
using System.CommandLine;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>The options that all servers share, declared on one command.</summary>
internal sealed class ServerOptionSet
{
    /// <summary>More reactors than processors only wait for each other; this bound is for typing errors.</summary>
    private const int MaxWorkers = 1024;

    private static readonly string[] LogLevels = ["trace", "debug", "info", "warn", "error"];
    private static readonly string[] LogFormats = ["text", "json"];

    private readonly Option<long> _port;
    private readonly Option<string> _iface;
    private readonly Option<long> _workers;
    private readonly Option<long> _maxConnections;
    private readonly Option<TimeSpan> _sendTimeout;
    private readonly Option<TimeSpan> _drain;
    private readonly Option<string> _logLevel;
    private readonly Option<string> _logFormat;
    private readonly Option<Endpoint> _metrics;

    /// <summary>Declares them.</summary>
    public ServerOptionSet(CommandSpec command)
    {
        _port = command.Value<long>("--port", "N", "Port to listen on; 0 takes a free one", "0", TryParsePort);
        _iface = command.Value<string>("--iface", "ADDRESS", "Address to listen on", Endpoint.DefaultHost, Endpoint.TryParseHost);
        _workers = command.Value<long>("--workers", "N|auto", "Reactors, each on its own thread; auto is one a core", "1", TryParseWorkers);
        _maxConnections = command.Value<long>(
            "--max-connections", "N", "Most clients at once, 0 for no limit (default: what the descriptor limit allows)", null, TryParseCount);
        _sendTimeout = command.Value<TimeSpan>(
            "--send-timeout", "SECONDS", "Reset a client that takes nothing for so long, 0 for never", "60", Quantity.TryParseLimit);
        _drain = command.Value<TimeSpan>(
            "--drain", "SECONDS", "On SIGTERM let running transfers go on for so long, 0 for no limit", "10", Quantity.TryParseLimit);
        _logLevel = command.Choice("--log-level", "Least level that is logged", "info", LogLevels);
        _logFormat = command.Choice("--log-format", "How it is logged", "text", LogFormats);
        _metrics = command.Value<Endpoint>(
            "--metrics", "ADDRESS", "Serve /metrics, /healthz and /readyz over HTTP here", null, Endpoint.TryParseListening);
    }

    /// <summary>What was chosen, in a result without errors.</summary>
    public ServerOptions Read(ParseResult result) => new()
    {
        Port = (int)result.GetValue(_port),
        Iface = result.GetValue(_iface)!,
        Workers = (int)result.GetValue(_workers),
        MaxConnections = result.GetResult(_maxConnections) is null ? null : (int)result.GetValue(_maxConnections),
        SendTimeout = result.GetValue(_sendTimeout),
        Drain = result.GetValue(_drain),
        LogLevel = (LogLevel)Array.IndexOf(LogLevels, result.GetValue(_logLevel)),
        LogFormat = (LogFormat)Array.IndexOf(LogFormats, result.GetValue(_logFormat)),
        Metrics = result.GetValue(_metrics),
    };

    /// <summary>
    /// Finds an option that was typed in vain, since every listener names its own place: whoever typed it expects
    /// something of it, and it is better told than dropped.
    /// </summary>
    /// <param name="result">What was typed.</param>
    /// <param name="listeners">Where they listen, as typed; null for one that names no place.</param>
    /// <param name="usesIface">Is <c>--iface</c> of use for something else?</param>
    /// <returns>The problem in one line, or null.</returns>
    public string? InVain(ParseResult result, ReadOnlySpan<Endpoint?> listeners, bool usesIface = false)
    {
        bool usesPort = listeners.IsEmpty;
        usesIface |= listeners.IsEmpty;
        foreach (Endpoint? listener in listeners)
        {
            usesPort |= listener is null;
            usesIface |= listener is not { HasHost: true };
        }

        return !usesPort && IsTyped(result, _port) ? "--port is in vain: there is another address to listen on"
            : !usesIface && IsTyped(result, _iface) ? "--iface is in vain: there is another address to listen on"
            : null;
    }

    /// <summary>Did the user type the option, or is it there by its default?</summary>
    public static bool IsTyped(ParseResult result, Option option) => result.GetResult(option) is { Implicit: false };

    /// <summary>Reads a port to listen on.</summary>
    public static bool TryParsePort(string text, out long port, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        bool ok = Quantity.TryParseNumber(text, 0, ushort.MaxValue, out port, out problem);
        problem = ok ? null : $"'{text}' is not a port from 0 to 65535";
        return ok;
    }

    /// <summary>Reads a number of things, 0 included.</summary>
    public static bool TryParseCount(string text, out long count, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem) =>
        Quantity.TryParseNumber(text, 0, int.MaxValue, out count, out problem);

    private static bool TryParseWorkers(string text, out long workers, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        if (text == "auto")
        {
            workers = Environment.ProcessorCount;
            problem = null;
            return true;
        }

        bool ok = Quantity.TryParseNumber(text, 1, MaxWorkers, out workers, out problem);
        problem = ok ? null : $"'{text}' is neither a number from 1 to {MaxWorkers} nor auto";
        return ok;
    }
}
