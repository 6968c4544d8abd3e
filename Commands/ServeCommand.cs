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

    /// <summary>The files of all poems, as of the last reading of the list.</summary>
    private readonly HashSet<string> _files = [];

    /// <summary>The poems that were served before the list was read again: they are read again with it.</summary>
    private PoemSource[] _served = [];

    /// <summary>Serves the poems.</summary>
    /// <param name="server">The options of all servers.</param>
    /// <param name="options">The poems, and how they are sent.</param>
    /// <returns>The exit code.</returns>
    public int Run(ServerOptions server, ServeOptions options)
    {
        SignalQueue.Open(isServer: true);
        using var log = PoetryLogger.ForServer(server);
        ListenFile? list = options.ListFile is { } path ? new ListenFile(path, server, server.ListenAt(null)) : null;
        ServedPoem[] poems = list is null ? options.Poems : PoemsOf(list, list.Read());
        var sources = new Dictionary<string, PoemSource>();

        // Standard input last: it may take its time, and a file that is missing is reported at once.
        PoemProblem problem = Open(poems, options.Format, sources, isStandardInput: false);
        problem = problem == default ? Open(poems, options.Format, sources, isStandardInput: true) : problem;
        if (problem != default)
        {
            return problem.IsWrongUsage ? throw new UsageError(problem.Sentence) : CommandRunner.Fail(problem.Sentence);
        }

        foreach (PoemSource source in sources.Values)
        {
            WarnIfEmpty(source, log);
        }

        var host = new ServerHost(server, log)
        {
            Reload = clock => Reload(list, options.Format, sources, clock, log),
            Updated = clock =>
            {
                DropUnused(sources);
                return Reload(Array.FindAll(_served, source => sources.ContainsValue(source)), clock, log);
            },
        };
        return host.Run(ListenersOf(poems, sources));
    }

    private static ServedPoem[] PoemsOf(ListenFile list, List<ListenLine> lines)
    {
        ServedPoem[] poems = new ServedPoem[lines.Count];
        for (int i = 0; i < poems.Length; i++)
        {
            poems[i] = new ServedPoem(lines[i].Listen, lines[i].What) { Place = list.PlaceOf(lines[i].Number) };
            if (poems[i].File == PoemReader.StandardInput)
            {
                throw list.ErrorAt(lines[i].Number, "a poem of a list is a file, and not standard input");
            }
        }

        return poems;
    }

    private static PoemProblem Open(
        ServedPoem[] poems, PoemFormat format, Dictionary<string, PoemSource> sources, bool isStandardInput)
    {
        foreach (ServedPoem poem in poems)
        {
            if ((poem.File == PoemReader.StandardInput) == isStandardInput && !sources.ContainsKey(poem.File))
            {
                if (PoemSource.TryOpen(poem.File, format, out PoemProblem problem) is not { } source)
                {
                    return problem with { Sentence = poem.Place + problem.Sentence };
                }

                sources.Add(poem.File, source);
            }
        }

        return default;
    }

    private List<Listener> ListenersOf(ServedPoem[] poems, Dictionary<string, PoemSource> sources)
    {
        var listeners = new List<Listener>();
        foreach (ServedPoem poem in poems)
        {
            PoemSource source = sources[poem.File];
            listeners.Add(new Listener(
                $"Serving {poem.File}", poem.Listen, (reactor, records) => MakeFactory(source, reactor, records))
            {
                Place = poem.Place,
            });
        }

        return listeners;
    }

    /// <summary>Drops the poems that no listener has any more.</summary>
    private void DropUnused(Dictionary<string, PoemSource> sources)
    {
        foreach (string file in new List<string>(sources.Keys))
        {
            if (!_files.Contains(file))
            {
                _ = sources.Remove(file, out PoemSource? source);
                source!.Close();
            }
        }
    }

    /// <summary>An empty poem is allowed but rarely intended: the program that writes the file may not have begun.</summary>
    private static void WarnIfEmpty(PoemSource source, ILogger log)
    {
        if (source.IsEmpty)
        {
            ServerLog.Empty(log, source.Name);
        }
    }

    /// <summary>Reads the list again, and opens what is new in it; what it had before is read again when the listeners are in
    /// place, so that a list that can't be applied changes nothing. Without a list reads the poems again.</summary>
    private async Deferred<IReadOnlyList<Listener>?> Reload(
        ListenFile? list, PoemFormat format, Dictionary<string, PoemSource> sources, IClock clock, ILogger log)
    {
        _served = [.. sources.Values];
        if (list is null)
        {
            await Reload(_served, clock, log);
            return null;
        }

        try
        {
            ServedPoem[] poems = PoemsOf(list, await list.Read(clock));
            await OpenNew(poems, format, sources, clock);
            _files.Clear();
            Array.ForEach(poems, poem => _files.Add(poem.File));
            return ListenersOf(poems, sources);
        }
        catch (ListenFileError error)
        {
            ServerLog.ListenersKept(log, error.Message);
            return null;
        }
    }

    /// <summary>Opens the poems that no other line had before. If one can't be opened, none is.</summary>
    private static async Deferred<Unit> OpenNew(
        ServedPoem[] poems, PoemFormat format, Dictionary<string, PoemSource> sources, IClock clock)
    {
        var opened = new Dictionary<string, PoemSource>();
        foreach (ServedPoem poem in poems)
        {
            if (!sources.ContainsKey(poem.File) && !opened.ContainsKey(poem.File))
            {
                (PoemSource? source, PoemProblem problem) = await PoemSource.Open(poem.File, format, clock);
                if (source is null)
                {
                    Array.ForEach([.. opened.Values], static source => source.Close());
                    throw new ListenFileError(poem.Place + problem.Sentence);
                }

                opened.Add(poem.File, source);
            }
        }

        foreach ((string file, PoemSource source) in opened)
        {
            sources.Add(file, source);
        }

        return default;
    }

    private static Deferred<Unit> Reload(PoemSource[] sources, IClock clock, ILogger log)
    {
        if (sources.Length == 0)
        {
            return Deferred.Succeed(default(Unit));
        }

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
