using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Serves poems until it is told to stop.</summary>
internal sealed class ServeCommand
{
    /// <summary>Makes what serves one poem on one reactor, all at once unless told otherwise.</summary>
    public Func<PoemSource, Reactor, ILogger, Factory> MakeFactory { get; init; } =
        static (source, reactor, records) => new PoemServerFactory(source, reactor, records);

    /// <summary>Serves the poems.</summary>
    /// <param name="server">What all servers share.</param>
    /// <param name="options">The poems, and how they are sent.</param>
    /// <returns>The exit code.</returns>
    public int Run(ServerOptions server, ServeOptions options)
    {
        using var log = new PoetryLogger(server.LogLevel, server.LogFormat);
        var sources = new List<PoemSource>();
        var listeners = new List<Listener>();
        foreach (ServedPoem served in options.Poems)
        {
            PoemSource? source = PoemSource.TryOpen(served.File, options.Format, out PoemProblem problem);
            if (source is null)
            {
                return problem.IsWrongUsage ? throw new UsageError(problem.Sentence) : CommandRunner.Fail(problem.Sentence);
            }

            WarnIfEmpty(source, log);
            sources.Add(source);
            listeners.Add(new Listener(
                $"Serving {served.File}", served.Listen, (reactor, records) => MakeFactory(source, reactor, records)));
        }

        var host = new ServerHost(server, log) { Reload = clock => Reload(sources, clock, log) };
        return host.Run(listeners);
    }

    /// <summary>It is allowed, and seldom meant: whoever writes the file may not have begun.</summary>
    private static void WarnIfEmpty(PoemSource source, ILogger log)
    {
        if (source.IsEmpty)
        {
            ServerLog.Empty(log, source.Name);
        }
    }

    private static Deferred<Unit> Reload(List<PoemSource> sources, IClock clock, ILogger log)
    {
        var done = new Deferred<Unit>();
        int left = sources.Count;
        foreach (PoemSource source in sources)
        {
            source.Reload(clock, problem =>
            {
                LogReload(source, problem, log);
                if (--left == 0)
                {
                    done.Callback(default);
                }
            });
        }

        return done;
    }

    private static void LogReload(PoemSource source, PoemProblem problem, ILogger log)
    {
        if (problem != default)
        {
            ServerLog.KeptOld(log, problem.Sentence);
        }
        else if (source.IsStandardInput)
        {
            ServerLog.KeptStandardInput(log);
        }
        else
        {
            ServerLog.Reloaded(log, source.Name);
            WarnIfEmpty(source, log);
        }
    }
}
