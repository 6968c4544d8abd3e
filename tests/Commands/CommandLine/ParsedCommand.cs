using Poetry.Commands;
using Poetry.Protocols;

namespace Poetry.Tests.Commands;

/// <summary>The command that a command line would run, with what it was given.</summary>
internal sealed class ParsedCommand
{
    private readonly object _command;

    public ParsedCommand(params string[] args)
    {
        Invocation invocation = CommandLine.Parse(args);
        Assert.IsNotNull(invocation.Run, invocation.Text);
        _command = invocation.Run.Target!;
    }

    public ServerOptions Server => _command switch
    {
        ServeCommand serve => serve.Server,
        TransformCommand transform => transform.Server,
        _ => ((ProxyCommand)_command).Server,
    };

    public ServeOptions Served => ((ServeCommand)_command).Options;

    public Pace? Pace => ((ServeCommand)_command).Pace;

    public TransformOptions Transformed => ((TransformCommand)_command).Options;

    public ProxySettings Settings => ((ProxyCommand)_command).Settings;

    public ProxiedPoem[] Proxied => ((ProxyCommand)_command).Poems;

    public GetOptions Options => ((Poetry.Commands.GetCommand)_command).Options;

    public PoemMirrors[] Addresses => ((Poetry.Commands.GetCommand)_command).Addresses;
}
