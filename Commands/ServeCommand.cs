using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Serves poems until a signal ends it.</summary>
/// <param name="server">The options of all servers.</param>
/// <param name="options">The poems and their format.</param>
/// <param name="pace">The pace of sending; null for full speed.</param>
internal sealed class ServeCommand(ServerOptions server, ServeOptions options, Pace? pace = null)
{
    private readonly ListenFile? _list =
        options.ListFile is { } path ? new ListenFile(path, server, server.ListenAt(null)) : null;

    /// <summary>The open poems, by file name.</summary>
    private readonly Dictionary<string, PoemSource> _sources = [];

    public ServerOptions Server => server;

    public ServeOptions Options => options;

    public Pace? Pace => pace;

    /// <summary>Serves the poems.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        SignalQueue.Open(isServer: true);
        using var log = PoetryLogger.ForServer(server);
        ServedPoem[] poems = _list is null ? options.Poems : WithoutStandardInput(_list.Read());
        PoemProblem problem = Open(poems);
        if (problem != default)
        {
            return problem.IsWrongUsage ? throw new UsageError(problem.Sentence) : CommandRunner.Fail(problem.Sentence);
        }

        foreach (PoemSource source in _sources.Values)
        {
            WarnIfEmpty(source, log);
        }

        return new ServerHost(server, log) { Reload = Reload }.Run(ListenersOf(poems));
    }

    private static bool IsStandardInput(ServedPoem poem) => poem.What == PoemReader.StandardInput;

    private static ServedPoem[] WithoutStandardInput(ServedPoem[] listed) => Array.Find(listed, IsStandardInput) is { } poem
        ? throw new ListenFileError($"{poem.LinePrefix}a poem of a list is a file, and not standard input")
        : listed;

    private PoemProblem Open(ServedPoem[] poems)
    {
        // Standard input last: it may take long, and a missing file is reported at once.
        ServedPoem[] files = Array.FindAll(poems, poem => !IsStandardInput(poem));
        foreach (ServedPoem poem in (ServedPoem[])[.. files, .. Array.FindAll(poems, IsStandardInput)])
        {
            if (!_sources.ContainsKey(poem.What))
            {
                if (PoemSource.TryOpen(poem.What, options.Format, out PoemProblem problem) is not { } source)
                {
                    return problem with { Sentence = poem.LinePrefix + problem.Sentence };
                }

                _sources[poem.What] = source;
            }
        }

        return default;
    }

    private List<Listener> ListenersOf(ServedPoem[] poems) => [.. Array.ConvertAll(poems, poem =>
    {
        PoemSource source = _sources[poem.What];
        return new Listener($"Serving {poem.What}", poem.Listen, worker => MakeFactory(source, worker)) { LinePrefix = poem.LinePrefix };
    })];

    private Factory MakeFactory(PoemSource source, Worker worker) => pace is { } slow
        ? new SlowPoemServerFactory(source, slow, worker.Reactor, worker.Reactor.Timers, worker.Counters)
        : new PoemServerFactory(source, worker.Reactor, worker.Counters);

    /// <summary>Warns of an empty poem. It is allowed but rarely intended: the program that writes the file may not have begun.</summary>
    private static void WarnIfEmpty(PoemSource source, ILogger log)
    {
        if (source.IsEmpty)
        {
            ServerLog.Empty(log, source.Name);
        }
    }

    /// <summary>Reads the poems again. With a list, reads the list first, opens its new poems, changes the listeners, and only
    /// then reads the other poems again: a list that can't be applied changes nothing.</summary>
    private async Deferred<Unit> Reload(ServerHost host)
    {
        PoemSource[] served = [.. _sources.Values];
        if (_list is not null)
        {
            ServedPoem[] poems = WithoutStandardInput(await _list.Read(host.First));
            await OpenNew(poems, host.First);
            bool isApplied = false;
            try
            {
                isApplied = await host.Update(ListenersOf(poems));
            }
            finally
            {
                Drop(isApplied
                    ? source => !Array.Exists(poems, poem => poem.What == source.Name)
                    : source => Array.IndexOf(served, source) < 0);
            }

            served = isApplied ? Array.FindAll(served, _sources.ContainsValue) : [];
        }

        _ = await Deferred.ListOf(Array.ConvertAll(served, source => Reload(source, host)));
        return default;
    }

    /// <summary>Opens the poems that are not open yet. If one can't be opened, none is added.</summary>
    private async Deferred<Unit> OpenNew(ServedPoem[] poems, IClock clock)
    {
        var opened = new Dictionary<string, PoemSource>();
        foreach (ServedPoem poem in poems)
        {
            if (!_sources.ContainsKey(poem.What) && !opened.ContainsKey(poem.What))
            {
                (PoemSource? source, PoemProblem problem) = await PoemSource.Open(poem.What, options.Format, clock);
                if (source is null)
                {
                    Array.ForEach([.. opened.Values], static source => source.Close());
                    throw new ListenFileError(poem.LinePrefix + problem.Sentence);
                }

                opened.Add(poem.What, source);
            }
        }

        foreach ((string file, PoemSource source) in opened)
        {
            _sources.Add(file, source);
        }

        return default;
    }

    /// <summary>Closes and removes the unused poems.</summary>
    private void Drop(Predicate<PoemSource> isUnused)
    {
        foreach ((string file, PoemSource source) in _sources)
        {
            if (isUnused(source))
            {
                // .NET allows removals while a dictionary is enumerated.
                _ = _sources.Remove(file);
                source.Close();
            }
        }
    }

    private static async Deferred<Unit> Reload(PoemSource source, ServerHost host)
    {
        PoemProblem problem = await source.Reload(host.First);
        if (problem != default)
        {
            ServerLog.KeptOld(host.Log, problem.Sentence);
        }
        else if (source.IsStandardInput)
        {
            ServerLog.KeptStandardInput(host.Log);
        }
        else
        {
            ServerLog.Reloaded(host.Log, source.Name);
            WarnIfEmpty(source, host.Log);
        }

        return default;
    }
}
