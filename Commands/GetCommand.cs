using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Downloads poems from all of their servers at once.</summary>
/// <param name="options">The options of the command.</param>
/// <param name="addresses">At least one address; an address may occur twice.</param>
internal sealed partial class GetCommand(GetOptions options, PoemMirrors[] addresses)
{
    /// <summary>The delay before the first retry; it doubles with each later retry.</summary>
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(0.5);

    /// <summary>The delay before the next attempt if no descriptor was free.</summary>
    private static readonly TimeSpan DescriptorDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>The interval at which times are updated on a terminal.</summary>
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(0.2);

    /// <summary>Descriptors for other uses than downloads: standard streams, poller, waker, signals and look-ups.</summary>
    private const int ReservedDescriptors = 10;

    private DeferredSemaphore _slots = null!;
    private Reactor _reactor = null!;
    private Progress _progress = null!;
    private TransformClient? _transformer;
    private Download[] _downloads = [];
    private Deferred<bool>[] _fetches = [];
    private bool _keeps = true;
    private long _startMs;
    private PosixSignal _signal;
    private Errno _standardOutputError;

    /// <summary>The signal that ends the command, or 0.</summary>
    private PosixSignal Signal => _signal != 0 ? _signal : SignalQueue.EndingSignal;

    public GetOptions Options => options;

    public PoemMirrors[] Addresses => addresses;

    /// <summary>Downloads the poems.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        SignalQueue.Open(isServer: false);
        _progress = Progress.Create(options, () => Signal != 0);
        if (TryCreateDownloads() is { } exitCode)
        {
            return exitCode;
        }

        _slots = new DeferredSemaphore(MaxParallel());

        // Failures of downloads are shown as progress: the log is for errors of the engine.
        using var log = new PoetryLogger(
            options.Verbosity > 1 ? LogLevel.Trace : LogLevel.Error,
            options.Progress == ProgressStyle.Json ? LogFormat.Json : LogFormat.Text);
        using var reactor = new Reactor(log);
        using var signals = new Signals(reactor);
        _reactor = reactor;
        _transformer = options.Via is { } via
            ? new TransformClient(reactor, via, options.Request.ConnectTimeout, options.Request.Timeout)
            : null;
        signals.OnTerminate(Interrupt);
        signals.OnHangUp(() => Interrupt(PosixSignal.SIGHUP));
        using PipeReaderWatch? watch =
            options.Stream && options.Output is null ? PipeReaderWatch.TryStart(reactor, OnReaderGone) : null;
        _startMs = Environment.TickCount64;
        reactor.CallWhenRunning(StartAll);
        _ = new LoopingCall(reactor, _progress.Tick).Start(TickInterval, now: false);
        reactor.Run();
        return Finish();
    }

    /// <summary>Chooses the output of each poem. No file is created before the poem's first byte has arrived.</summary>
    /// <returns>The exit code if an error was reported; null otherwise.</returns>
    /// <exception cref="UsageError">The options do not fit the files that exist.</exception>
    private int? TryCreateDownloads()
    {
        string[]? paths = null;
        if (options.Output is { } output)
        {
            bool isDirectory = Directory.Exists(output);
            if (addresses.Length > 1 && !isDirectory && !options.Race)
            {
                throw new UsageError($"--output {output}: several poems need a directory");
            }

            paths = isDirectory ? PoemFile.PathsIn(output, addresses) : Array.ConvertAll(addresses, _ => output);
            bool takesBack = options.Race || options.AllOrNothing;
            if (takesBack && Array.Find(paths, OutputPath.IsSpecial) is { } special)
            {
                throw new UsageError($"--output {special}: what has gone to a device or a pipe cannot be taken back");
            }

            if (options.Stream && !OutputPath.IsSpecial(paths[0]))
            {
                throw new UsageError($"--output {paths[0]}: --stream needs standard output, a device or a pipe");
            }

            foreach (string path in paths)
            {
                if (OutputPath.Check(path) is not Errno.None and var error)
                {
                    _progress.Error(PoemOutput.ProblemOf(path, error));
                    return ExitCode.Failure;
                }
            }
        }

        bool escapes = !options.Raw && StandardStreams.IsTerminalAt(StandardStreams.Output);
        _downloads = new Download[addresses.Length];
        for (int i = 0; i < addresses.Length; i++)
        {
            _downloads[i] = new Download(this, i + 1, addresses[i], paths?[i], escapes);
        }

        return null;
    }

    /// <summary>The maximum number of parallel downloads: the option, or less if descriptors are few. A download uses one for its
    /// connection and one for its file.</summary>
    private int MaxParallel()
    {
        // Doubled, because the next download begins before the previous connection is closed.
        int each = 2 * (options.Output is null ? 1 : 2);
        long max = (NativeProcess.RaiseOpenFileLimit() - ReservedDescriptors) / each;
        return (int)Math.Clamp(options.ParallelMax > 0 ? Math.Min(options.ParallelMax, max) : max, 1, int.MaxValue);
    }

    /// <summary>
    /// Starts all downloads. The command ends after all, after the first complete one (<c>--race</c>), or after the first failure
    /// (<c>--all-or-nothing</c>).
    /// </summary>
    private void StartAll()
    {
        // A signal that came before the loop ran ends it in this turn.
        if (Signal != 0)
        {
            return;
        }

        _fetches = Array.ConvertAll(_downloads, Fetch);
        Deferred all = options.Race
            ? Deferred.Race(_fetches)
            : new DeferredList<bool>(_fetches, fireOnOneErrback: options.AllOrNothing, consumeErrors: true);
        _ = all.AddErrback(_ => _keeps = false).AddBoth(CancelAll);
    }

    /// <summary>Downloads one poem, with its retries, once a slot is free.</summary>
    /// <returns>Fires when the poem is written. Fails after the failure was reported. Cancelling it stops the download.</returns>
    private async Deferred<bool> Fetch(Download download)
    {
        _ = await _slots.Acquire();
        try
        {
            _progress.Started(download.Task, download.From.ToString());
            Deferred<bool> transfer = Transfer(download);
            if (options.MaxTime < Quantity.Never)
            {
                _ = transfer.AddTimeout(options.MaxTime, _reactor);
            }

            _ = await transfer;
            download.Complete();
            return true;
        }
        catch (TimeoutError)
        {
            download.Fail($"timed out: not done in {options.MaxTime.TotalSeconds:0.###} s");
            throw;
        }
        catch (CancelledError)
        {
            download.Cancel();
            throw;
        }
        catch (Exception exception)
        {
            download.Fail(exception.Message);
            throw;
        }
        finally
        {
            // If this ends the program, the next download never connects: it is cancelled in this turn, and would connect in a
            // later one.
            _slots.Release();
        }
    }

    private async Deferred<bool> Transfer(Download download)
    {
        _ = await FetchWithRetries(download);
        download.Verify();
        if (download.Held is not null)
        {
            download.WriteHeld(await Transform(download));
        }

        return true;
    }

    private async Deferred<long> FetchWithRetries(Download download)
    {
        var mirrors = new MirrorFetch(
            download.From, _reactor, (endpoint, receiver) => PoemFetch.Start(_reactor, endpoint, options.Request, receiver))
        {
            FailedOver = (mirror, error) =>
            {
                _progress.Restarted(download.Task, $"{mirror}: {error.Message}");
                Note(download, $"{mirror}: {error.Message}, trying the next server");
            },
        };
        TimeSpan delay = FirstRetryDelay;
        for (int retries = 0; ;)
        {
            try
            {
                return await mirrors.Start(download);
            }
            catch (IOException error) when (
                (error.InnerException ?? error) is ConnectError { Error: Errno.EMFILE } && _reactor.Connections.Count > 0)
            {
                // Connections that wait for their servers to close use the descriptors: this server has not failed.
                await _reactor.Sleep(DescriptorDelay);
            }
            catch (IOException error) when (PoemFetch.MayRetry(error) && retries < options.Retry && download.TryRestart())
            {
                retries++;
                _progress.Restarted(download.Task, error.Message);
                Note(download, $"{error.Message}, trying again in {delay.TotalSeconds:0.###} s");
                await _reactor.Sleep(delay);
                delay *= 2;
            }
        }
    }

    /// <summary>Sends a complete poem to the transform server.</summary>
    /// <returns>Fires with false if that failed and the poem stays unchanged.</returns>
    private async Deferred<bool> Transform(Download download)
    {
        string name = options.Transform!;
        try
        {
            _ = await _transformer!.Transform(Encoding.UTF8.GetBytes(name), download.Held!.Text, download.Transformed);
            return true;
        }
        catch (IOException exception)
        {
            string reason = $"transform server {options.Via}: {exception.Message}";
            if (options.StrictTransform)
            {
                throw new PoemIncompleteError($"{name} failed: {reason}");
            }

            _progress.Warned(download.Task, $"{name} failed, printing it as it came: {reason}");
            return false;
        }
    }

    /// <summary>Writes the poems that waited for the end, then the summary.</summary>
    private int Finish()
    {
        int complete = 0;
        int failed = 0;
        _keeps = _keeps && (!options.AllOrNothing || TryPublishAll());
        foreach (Download download in _downloads)
        {
            download.Settle(_keeps);
            complete += download.IsComplete ? 1 : 0;
            failed += download.HasFailed ? 1 : 0;
            _keeps &= download.IsComplete || !options.AllOrNothing;
        }

        int exitCode = complete >= (options.Race ? 1 : _downloads.Length) ? ExitCode.Success : ExitCode.Failure;
        bool isQuiet = Signal != 0 || _standardOutputError == Errno.EPIPE;
        if (!isQuiet && _standardOutputError != Errno.None)
        {
            _progress.Error(PoemOutput.ProblemOf(StreamedPoem.StandardOutput, _standardOutputError));
            exitCode = ExitCode.Failure;
        }

        // A program that reads the events expects this line, however the command ended.
        if (!isQuiet || options.Progress == ProgressStyle.Json)
        {
            // The clock of the downloads, read after the last event: no event is later than the summary.
            _progress.Summary(complete, failed, TimeSpan.FromMilliseconds(Environment.TickCount64 - _startMs));
        }

        // Also a signal that came while the last line waited for its reader.
        return Signal switch
        {
            PosixSignal.SIGINT => ExitCode.Interrupted,
            PosixSignal.SIGHUP => ExitCode.HungUp,
            PosixSignal.SIGTERM => ExitCode.Terminated,
            _ => exitCode,
        };
    }

    private bool TryPublishAll()
    {
        Download? failed = Array.Find(_downloads, download => !download.TryPrepare())
            ?? Array.Find(_downloads, download => !download.TryPublish());
        failed?.Undo(_downloads);
        return failed is null;
    }

    private void Note(Download download, string text)
    {
        if (options.Verbosity > 0)
        {
            _progress.Note(download.Task, text);
        }
    }

    private void Interrupt(PosixSignal signal)
    {
        _signal = signal;
        _keeps = false;
        CancelAll();
    }

    private void OnReaderGone() => StandardOutputFailed(Errno.EPIPE);

    /// <summary>Ends all downloads, because nothing can be written to standard output any more.</summary>
    private void StandardOutputFailed(Errno error)
    {
        if (_standardOutputError == Errno.None)
        {
            _standardOutputError = error;
            CancelAll();
        }
    }

    private void CancelAll()
    {
        // From the last one on: the end of one that runs would start the next one that waits for a slot.
        for (int i = _fetches.Length - 1; i >= 0; i--)
        {
            _fetches[i].Cancel();
        }

        if (_reactor.Running)
        {
            _reactor.Stop();
        }
    }
}
