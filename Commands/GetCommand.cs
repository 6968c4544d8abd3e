using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Downloads poems from all of their servers at once.</summary>
internal sealed class GetCommand
{
    /// <summary>A server that does not answer at all has failed after so long, whatever the time-out for sending is.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Before the second try; doubled before each one after it.</summary>
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(0.5);

    private GetOptions _options = null!;
    private Reactor _reactor = null!;
    private Progress _progress = null!;
    private Download[] _downloads = [];
    private int _running;
    private PosixSignal _signal;
    private OutputResult _standardOutput;

    /// <summary>Downloads the poems.</summary>
    /// <param name="options">How.</param>
    /// <param name="addresses">At least one; the same may come twice.</param>
    /// <returns>The exit code.</returns>
    public int Run(GetOptions options, Endpoint[] addresses)
    {
        _options = options;
        if (!TryMakeDownloads(addresses, out string problem))
        {
            _ = CommandRunner.Fail(problem);
            return ExitCode.WrongUsage;
        }

        using var reactor = new Reactor();
        using var signals = new Signals(reactor);
        _reactor = reactor;
        _progress = Progress.Create(options.Progress, options.Quiet);
        signals.OnTerminate(Interrupt);
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
            if (addresses.Length > 1 && !directory)
            {
                problem = $"--output {output}: several poems need a directory";
                return false;
            }

            paths = directory ? PoemFile.PathsIn(output, addresses) : [output];
        }

        bool escapes = !_options.Raw && StandardStreams.IsTerminalAt(StandardStreams.Output);
        _downloads = new Download[addresses.Length];
        for (int i = 0; i < addresses.Length; i++)
        {
            _downloads[i] = new Download(this, i + 1, addresses[i], paths?[i], escapes);
        }

        return true;
    }

    private void StartAll()
    {
        _running = _downloads.Length;
        foreach (Download download in _downloads)
        {
            _progress.Started(download.Task, download.From);
            download.Fetching = Fetch(download);
            _ = download.Fetching.AddBoth(_ =>
            {
                if (--_running == 0 && _reactor.Running)
                {
                    _reactor.Stop();
                }

                return true;
            });
        }
    }

    /// <summary>One poem, from the first try to the last.</summary>
    /// <returns>Fires when there is no more to be done for it. Cancelling it stops the download.</returns>
    private async Deferred<bool> Fetch(Download download)
    {
        try
        {
            await FetchWithRetries(download);
            download.Complete(commitNow: !_options.Wait);
        }
        catch (IOException exception)
        {
            download.Fail(exception.Message);
        }
        catch (CancelledError)
        {
            download.Abandon();
        }

        return true;
    }

    private async Deferred<long> FetchWithRetries(Download download)
    {
        var request = new PoemRequest(ConnectTimeout, _options.Timeout, _options.Netstring);
        TimeSpan delay = FirstRetryDelay;
        for (int retries = 0; ; retries++)
        {
            try
            {
                return await PoemFetch.Start(_reactor, download.From, request, download);
            }
            catch (IOException exception)
                when (exception is ConnectError or ConnectionLost && retries < _options.Retry && download.TryStartOver())
            {
                await _reactor.Sleep(delay);
                delay *= 2;
            }
        }
    }

    /// <summary>Writes what is to be written at the end, and counts.</summary>
    private int Finish(TimeSpan elapsed)
    {
        int whole = 0;
        foreach (Download download in _downloads)
        {
            if (_signal == 0 && _options.Wait)
            {
                download.Commit();
            }

            whole += download.IsWhole ? 1 : 0;
        }

        if (_signal != 0)
        {
            return _signal == PosixSignal.SIGINT ? ExitCode.Interrupted : ExitCode.Terminated;
        }

        if (_standardOutput.ReaderIsGone)
        {
            return whole == _downloads.Length ? ExitCode.Success : ExitCode.Failure;
        }

        _progress.Summary(whole, elapsed);
        return _standardOutput.Problem is { } problem ? CommandRunner.Fail(problem)
            : whole == _downloads.Length ? ExitCode.Success : ExitCode.Failure;
    }

    private void Interrupt(PosixSignal signal)
    {
        _signal = signal;
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
        foreach (Download download in _downloads)
        {
            download.Fetching?.Cancel();
        }

        if (_reactor.Running)
        {
            _reactor.Stop();
        }
    }

    /// <summary>One poem on its way from a server to its output.</summary>
    private sealed class Download(GetCommand command, int task, Endpoint from, string? path, bool escapes) : IPoemReceiver
    {
        private PoemOutput? _output;
        private string? _problem;
        private bool _complete;

        public int Task => task;

        public Endpoint From => from;

        /// <summary>Fires when there is no more to be done for it; null before it has begun.</summary>
        public Deferred<bool>? Fetching { get; set; }

        /// <summary>Did it come whole, and was it written whole?</summary>
        public bool IsWhole { get; private set; }

        /// <inheritdoc/>
        public bool Received(ReadOnlySpan<byte> bytes)
        {
            command._progress.Received(task, bytes.Length);
            return Check(Open()) && Check(_output!.Write(bytes));
        }

        /// <summary>Forgets what has come, unless it was shown already.</summary>
        public bool TryStartOver()
        {
            if (_output is { HasShown: true })
            {
                return false;
            }

            _output?.Abort();
            _output = null;
            command._progress.Restarted(task);
            return true;
        }

        /// <summary>All of it has come.</summary>
        public void Complete(bool commitNow)
        {
            _complete = Check(Open());
            if (!_complete)
            {
                Fail(_problem ?? string.Empty);
            }
            else if (commitNow)
            {
                Commit();
            }
        }

        /// <summary>Writes it out, if all of it has come.</summary>
        public void Commit()
        {
            if (!_complete)
            {
                return;
            }

            if (path is null)
            {
                command._progress.Suspend();
            }

            IsWhole = Check(_output!.Commit());
            if (path is null)
            {
                command._progress.Resume(((StandardOutputPoem)_output).EndsLine);
            }

            if (IsWhole)
            {
                command._progress.Finished(task);
            }
            else if (_problem is not null)
            {
                command._progress.Failed(task, _problem);
            }
        }

        /// <summary>It has not come whole: nobody sees any of it.</summary>
        /// <param name="reason">Unless the output has a better one.</param>
        public void Fail(string reason)
        {
            Abandon();
            command._progress.Failed(task, _problem ?? reason);
        }

        /// <summary>Leaves nothing behind.</summary>
        public void Abandon() => _output?.Abort();

        private OutputResult Open()
        {
            if (_output is not null)
            {
                return default;
            }

            if (path is null)
            {
                _output = new StandardOutputPoem(isAlone: false, escapes);
                return default;
            }

            OutputResult result = PoemFile.TryCreate(path, out PoemFile? file);
            _output = file;
            return result;
        }

        private bool Check(OutputResult result)
        {
            if (result.IsOk)
            {
                return true;
            }

            if (path is null)
            {
                command.StandardOutputFailed(result);
            }
            else
            {
                _problem = result.Problem;
            }

            return false;
        }
    }
}
