using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Serves poems until it is told to stop.</summary>
internal sealed class ServeCommand
{
    /// <summary>Makes the factory of one poem on one reactor; by default of a server that sends the poem at once.</summary>
    public Func<PoemSource, Reactor, ILogger, Factory> MakeFactory { get; init; } =
        static (source, reactor, records) => new PoemServerFactory(source, reactor, records);

    /// <summary>Serves the poems.</summary>
    /// <param name="server">The options of all servers.</param>
    /// <param name="options">The poems, and how they are sent.</param>
    /// <returns>The exit code.</returns>
    public int Run(ServerOptions server, ServeOptions options)
    {
        SignalQueue.Open(isServer: true);
        ServedPoem[] poems = options.Poems;
        using var log = PoetryLogger.ForServer(server);
        var sources = new PoemSource[poems.Length];

        // Standard input last: it may take its time, and a file that is missing is reported at once.
        PoemProblem problem = Open(options, sources, isStandardInput: false);
        problem = problem == default ? Open(options, sources, isStandardInput: true) : problem;
        if (problem != default)
        {
            return problem.IsWrongUsage ? throw new UsageError(problem.Sentence) : CommandRunner.Fail(problem.Sentence);
        }

        var listeners = new List<Listener>();
        for (int i = 0; i < poems.Length; i++)
        {
            PoemSource source = sources[i];
            WarnIfEmpty(source, log);
            listeners.Add(new Listener(
                $"Serving {poems[i].File}", poems[i].Listen, (reactor, records) => MakeFactory(source, reactor, records)));
        }

        var host = new ServerHost(server, log) { Reload = clock => Reload(sources, clock, log) };
        return host.Run(listeners);
    }

    private static PoemProblem Open(ServeOptions options, PoemSource[] sources, bool isStandardInput)
    {
        ServedPoem[] poems = options.Poems;
        for (int i = 0; i < poems.Length; i++)
        {
            if ((poems[i].File == PoemReader.StandardInput) == isStandardInput)
            {
                if (PoemSource.TryOpen(poems[i].File, options.Format, out PoemProblem problem) is not { } source)
                {
                    return problem;
                }

                sources[i] = source;
            }
        }

        return default;
    }

    /// <summary>An empty poem is allowed but rarely intended: the program that writes the file may not have begun.</summary>
    private static void WarnIfEmpty(PoemSource source, ILogger log)
    {
        if (source.IsEmpty)
        {
            ServerLog.Empty(log, source.Name);
        }
    }

    private static Deferred<Unit> Reload(PoemSource[] sources, IClock clock, ILogger log)
    {
        var done = new Deferred<Unit>();
        int left = sources.Length;
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
