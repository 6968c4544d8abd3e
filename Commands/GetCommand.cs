using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Downloads poems from all of their servers at once.</summary>
internal sealed partial class GetCommand
{
    /// <summary>Before the second try; doubled before each one after it.</summary>
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(0.5);

    /// <summary>Looking again for a free descriptor.</summary>
    private static readonly TimeSpan DescriptorDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Descriptors that are no downloads: the standard streams, poller, waker and signals, and what
    /// it takes to look up a name.
    /// </summary>
    private const int ReservedDescriptors = 10;

    private GetOptions _options = null!;
    private DeferredSemaphore _places = null!;
    private Reactor _reactor = null!;
    private Progress _progress = null!;
    private TransformClient? _transformer;
    private Download[] _downloads = [];
    private Deferred<bool>[] _fetches = [];
    private bool _keeps = true;
    private PosixSignal _signal;
    private OutputResult _standardOutput;

    /// <summary>Downloads the poems.</summary>
    /// <param name="options">How.</param>
    /// <param name="addresses">At least one; the same may come twice.</param>
    /// <returns>The exit code.</returns>
    public int Run(GetOptions options, Endpoint[] addresses)
    {
        SignalQueue.Open(isServer: false);
        _options = options;
        if (!TryMakeDownloads(addresses, out string problem))
        {
            throw new UsageError(problem);
        }

        _places = new DeferredSemaphore(MostAtOnce());
        // Only what must never be is logged: what goes wrong with a poem is told as its progress.
        using var log = new PoetryLogger(LogLevel.Error, LogFormat.Text);
        using var reactor = new Reactor(log);
        using var signals = new Signals(reactor);
        _reactor = reactor;
        _transformer = options.Via is { } via ? new TransformClient(reactor, via, ConnectTimeout.Max, options.Timeout) : null;
        _progress = Progress.Create(options.Progress, options.Quiet);
        signals.OnTerminate(Interrupt);
        signals.OnHangUp(() => Interrupt(PosixSignal.SIGHUP));
        long start = Stopwatch.GetTimestamp();
        reactor.CallWhenRunning(StartAll);
        reactor.Run();
        return Finish(Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Where each poem goes; nothing is opened before its first byte has come.</summary>
    private bool TryMakeDownloads(Endpoint[] addresses, out string problem)
    {
        problem = string.Empty;
        string[]? paths = null;
        if (_options.Output is { } output)
        {
            bool directory = Directory.Exists(output);
            if (addresses.Length > 1 && !directory && !_options.Race)
            {
                problem = $"--output {output}: several poems need a directory";
                return false;
            }

            paths = directory ? PoemFile.PathsIn(output, addresses) : Array.ConvertAll(addresses, _ => output);
            bool takesBack = _options.Race || _options.AllOrNothing;
            if (takesBack && Array.Find(paths, PoemFile.IsSpecial) is { } special)
            {
                problem = $"--output {special}: what has gone to a device or a pipe cannot be taken back";
                return false;
            }
        }

        bool escapes = !_options.Raw && StandardStreams.IsTerminalAt(StandardStreams.Output);
        _downloads = new Download[addresses.Length];
        for (int i = 0; i < addresses.Length; i++)
        {
            _downloads[i] = new Download(this, i + 1, addresses[i], paths?[i], escapes);
        }

        return true;
    }

    /// <summary>All, wherever descriptors last: a download takes one for its connection, and one for its file.</summary>
    private int MostAtOnce()
    {
        // Twice, since the next one begins before the connection of the last one is closed.
        int each = 2 * (_options.Output is null ? 1 : 2);
        return (int)Math.Clamp((NativeProcess.RaiseOpenFileLimit() - ReservedDescriptors) / each, 1, int.MaxValue);
    }

    /// <summary>
    /// Begins them all, and says by what they end: by the first that is whole, by the first that fails, or when none is left.
    /// </summary>
    private void StartAll()
    {
        _fetches = Array.ConvertAll(_downloads, Fetch);
        Deferred all = _options.Race
            ? Deferred.Race(_fetches)
            : new DeferredList<bool>(_fetches, fireOnOneErrback: _options.AllOrNothing, consumeErrors: true);
        _ = all.AddErrback(_ => _keeps = false).AddBoth(CancelAll);
    }

    /// <summary>One poem, when its turn has come, from the first try to the last.</summary>
    /// <returns>Fires when it is whole. Fails when that was told, or when it was cancelled: that stops the download.</returns>
    private async Deferred<bool> Fetch(Download download)
    {
        _progress.Started(download.Task, download.From);
        _ = await _places.Acquire();
        try
        {
            await FetchWithRetries(download);
            if (download.Held is not null)
            {
                download.Release(await Transform(download));
            }

            download.Complete();
            return true;
        }
        catch (IOException exception)
        {
            download.Fail(exception.Message);
            throw;
        }
        catch (CancelledError)
        {
            download.Abandon();
            throw;
        }
        finally
        {
            // If this is the end of all, the next one is cancelled in this turn, and connects in a later one: it never does.
            _places.Release();
        }
    }

    private async Deferred<long> FetchWithRetries(Download download)
    {
        var request = new PoemRequest(ConnectTimeout.Max, _options.Timeout, _options.Format);
        TimeSpan delay = FirstRetryDelay;
        for (int retries = 0; ;)
        {
            try
            {
                return await PoemFetch.Start(_reactor, download.From, request, download);
            }
            catch (ConnectError shortage) when (shortage.Error == Errno.EMFILE && _reactor.Connections.Count > 0)
            {
                // Connections that wait for their servers to close hold them: it is not this server's fault.
                await _reactor.Sleep(DescriptorDelay);
            }
            catch (IOException exception)
                when (exception is ConnectError or ConnectionLost && retries < _options.Retry && download.TryStartOver())
            {
                retries++;
                await _reactor.Sleep(delay);
                delay *= 2;
            }
        }
    }

    /// <summary>Has a complete poem transformed.</summary>
    /// <returns>Fires with the result, which the caller releases, or with null if that failed and the poem stays as it came.</returns>
    private async Deferred<TextBuffer?> Transform(Download download)
    {
        string name = _options.Transform!;
        var result = new TextBuffer();
        try
        {
            return await _transformer!.Transform(Encoding.UTF8.GetBytes(name), download.Held!.Text, result);
        }
        catch (IOException exception)
        {
            result.Release();
            _progress.Warned(download.Task, $"{name} failed, printing it as it came: {exception.Message}");
            return null;
        }
    }

    /// <summary>Writes what is to be written at the end, and counts.</summary>
    private int Finish(TimeSpan elapsed)
    {
        int whole = 0;
        foreach (Download download in _downloads)
        {
            download.Settle(_keeps);
            whole += download.IsWhole ? 1 : 0;
            _keeps &= download.IsWhole || !_options.AllOrNothing;
        }

        int exitCode = whole >= (_options.Race ? 1 : _downloads.Length) ? ExitCode.Success : ExitCode.Failure;
        _signal = _signal != 0 ? _signal : SignalQueue.EndingSignal switch
        {
            1 => PosixSignal.SIGHUP,
            2 => PosixSignal.SIGINT,
            15 => PosixSignal.SIGTERM,
            _ => 0,
        };
        if (_signal != 0)
        {
            return _signal == PosixSignal.SIGINT ? ExitCode.Interrupted
                : _signal == PosixSignal.SIGHUP ? ExitCode.HungUp
                : ExitCode.Terminated;
        }

        if (_standardOutput.ReaderIsGone)
        {
            return exitCode;
        }

        _progress.Summary(whole, elapsed);
        return _standardOutput.Problem is { } problem ? CommandRunner.Fail(problem) : exitCode;
    }

    private void Interrupt(PosixSignal signal)
    {
        _signal = signal;
        _keeps = false;
        CancelAll();
    }

    /// <summary>Standard output is no more: nobody is left to download for.</summary>
    private void StandardOutputFailed(OutputResult result)
    {
        if (_standardOutput.IsOk)
        {
            _standardOutput = result;
            CancelAll();
        }
    }

    private void CancelAll()
    {
        foreach (Deferred<bool> fetch in _fetches)
        {
            fetch.Cancel();
        }

        if (_reactor.Running)
        {
            _reactor.Stop();
        }
    }
}
