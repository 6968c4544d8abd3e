using Poetry.Net;

namespace Poetry.Protocols;

/// <content>
/// The routing of commands. A command goes to the server of the address that is in use; in a cluster to the node that has the
/// slot of its key, if a redirect has named that node.
/// </content>
public sealed partial class RedisClient
{
    /// <summary>The same as in other Redis clients: a slot seldom moves, and a loop of redirects has to end.</summary>
    private const int MaxHops = 5;

    /// <summary>Chosen: a small key moves in a millisecond, a large one in a second; the delay doubles each time.</summary>
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(30);

    /// <summary>Above this number, slots and unused nodes are forgotten: the addresses of a cluster change over months.</summary>
    private const int MaxNodes = 1000;

    private readonly Dictionary<Endpoint, RedisNode> _nodes = [];

    /// <summary>The servers of the address.</summary>
    private readonly RedisNode[] _servers;

    /// <summary>The node of each slot, null where it is unknown; null until the first redirect.</summary>
    private RedisNode?[]? _slots;
    private int _current;
    private Failure? _closed;

    /// <summary>Sends a command that is new or has ended.</summary>
    internal void Begin(RedisCommand command)
    {
        command.Route = default;
        Route(command);
    }

    internal Deferred<T> Run<T>(RedisRequest<T> command)
    {
        Begin(command);
        return command.Result;
    }

    /// <summary>A command has failed with its connection.</summary>
    /// <param name="command">The command.</param>
    /// <param name="reason">The reason.</param>
    /// <param name="isConnected">False if there was no connection.</param>
    /// <param name="mayRepeat">True if the connection has served other commands, and no part of this reply has arrived.</param>
    internal void Failed(RedisCommand command, Failure reason, bool isConnected, bool mayRepeat)
    {
        ref RedisRoute route = ref command.Route;
        if (command.IsCancelled || _closed is not null || reason.Check<CancelledError>())
        {
            End(command, reason);
            return;
        }

        if (mayRepeat && !route.IsRepeated)
        {
            route.IsRepeated = true;
            Route(command);
            return;
        }

        if (reason.Exception is RedisError { IsOfServer: false })
        {
            // The server is well: it closed the connection for too long a command, or this client did for too long a reply.
            End(command, reason);
            return;
        }

        bool isOfAddress = LeaveServer(route.Node!);
        route.Unreachable = isConnected ? null : (route.Node!, reason);
        if (!isConnected && (isOfAddress ? ++route.ServersTried < _servers.Length : route.Hops++ < MaxHops))
        {
            Route(command);
        }
        else
        {
            End(command, reason);
        }
    }

    /// <summary>All replies to a command have arrived: sends it again if they ask for that, else ends it.</summary>
    internal void Completed(RedisCommand command)
    {
        ref RedisRoute route = ref command.Route;
        bool mayHop = route.Hops < MaxHops && !command.IsCancelled;
        if (command.Redirect is { } redirect && mayHop)
        {
            Follow(command, redirect);
            return;
        }

        if (command.Refusal?.Code == "TRYAGAIN" && mayHop)
        {
            // A slot is moving, and only some of the command's keys have moved.
            TimeSpan delay = FirstDelay * (1 << route.Hops++);
            _ = Reactor.CallLater(delay, (Client: this, Command: command), static state => state.Client.Route(state.Command));
            return;
        }

        if (command.Refusal?.Code == "READONLY")
        {
            LeaveServer(route.Node!);
        }

        if (command.Redirect is not null && route.Unreachable is { } unreachable)
        {
            // The other nodes do not know yet that this one is dead.
            (route.Node, Failure reason) = unreachable;
            End(command, reason);
            return;
        }

        RedisError? error = command.Redirect is not null ? new RedisError("the nodes redirect to each other") : command.Refusal;
        End(command, error is null ? null : new Failure(error));
    }

    private void End(RedisCommand command, Failure? failure)
    {
        if (command.IsCancelled)
        {
            return;
        }

        try
        {
            command.Ended(failure);
        }
        catch (Exception exception)
        {
            // No connection has this command any more, so it is ended here. Other commands may still have to be ended.
            Reactor.CallbackThrew(null, exception);
            if (failure is null)
            {
                command.Ended(new Failure(exception));
            }
        }
    }

    private void Route(RedisCommand command)
    {
        if (command.IsCancelled)
        {
            return;
        }

        command.Route.IsAsking = false;
        RedisNode? node = _slots is not null && !command.Key.IsEmpty ? _slots[RedisSlot.Of(command.Key)] : null;
        Send(command, node ?? _servers[_current]);
    }

    private void Send(RedisCommand command, RedisNode node)
    {
        if (_closed is not null)
        {
            End(command, _closed);
            return;
        }

        command.Route.Node = node;
        command.Reset();
        node.Send(command);
    }

    private void Follow(RedisCommand command, RedisRedirect redirect)
    {
        ref RedisRoute route = ref command.Route;
        Endpoint answered = route.Node!.Endpoint;
        string host = redirect.Host.Length > 0 ? redirect.Host : answered.IsUnix ? Endpoint.DefaultHost : answered.Host;
        RedisNode node = NodeAt(Endpoint.Tcp(host, redirect.Port));
        route.Hops++;
        route.IsAsking = redirect.IsAsk;
        if (!redirect.IsAsk)
        {
            _slots ??= new RedisNode?[RedisSlot.Count];
            _slots[redirect.Slot] = node;
        }

        Send(command, node);
    }

    /// <summary>A server has failed: forgets its slots. If it was the one of the address in use, uses the next one.</summary>
    /// <returns>True if it was used as a server of the address, and not as the owner of a slot.</returns>
    private bool LeaveServer(RedisNode node)
    {
        bool hadSlot = false;
        for (int i = 0; i < _slots?.Length; i++)
        {
            if (_slots[i] == node)
            {
                _slots[i] = null;
                hadSlot = true;
            }
        }

        bool isCurrent = node == _servers[_current];
        if (isCurrent)
        {
            _current = (_current + 1) % _servers.Length;
        }

        return Array.IndexOf(_servers, node) >= 0 && (isCurrent || !hadSlot);
    }

    private RedisNode NodeAt(Endpoint endpoint)
    {
        if (_nodes.TryGetValue(endpoint, out RedisNode? node))
        {
            return node;
        }

        if (_nodes.Count >= MaxNodes)
        {
            ForgetNodes();
        }

        node = new RedisNode(this, endpoint);
        _nodes.Add(endpoint, node);
        return node;
    }

    /// <summary>Forgets the slots, and the nodes without connections.</summary>
    private void ForgetNodes()
    {
        _slots = null;
        foreach (RedisNode node in new List<RedisNode>(_nodes.Values))
        {
            if (node.Connections == 0 && Array.IndexOf(_servers, node) < 0)
            {
                _ = _nodes.Remove(node.Endpoint);
            }
        }
    }
}
