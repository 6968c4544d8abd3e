using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>The command <c>transform</c>.</content>
internal static partial class CommandLine
{
    private static CommandSpec Transform(ICommands commands)
    {
        var command = new CommandSpec("transform", "Transform texts by name: netstrings on one port, bare text on another.")
        {
            Examples =
            [
                ("poetry transform --port 11000 --text-port 11001", "on 127.0.0.1"),
                (@"printf 'shout\nhello\n' | nc -N 127.0.0.1 11001", "and HELLO is what it says"),
                ("poetry transform --port 12000 --upstream 11000", "passed on to another transform server"),
                ("poetry transform --list", "what there is"),
            ],
        };
        var server = new ServerOptionSet(command);
        Option<Endpoint> listen = command.Value<Endpoint>(
            "--listen", "ADDRESS", "Listen here, such as unix:PATH, in place of --port and --iface", null, Endpoint.TryParseListening);
        Option<long> textPort = command.Value<long>(
            "--text-port", "N", "Answer bare text on this port too; 0 takes a free one", null, ServerOptionSet.TryParsePort);
        Option<long> maxLength = command.Value<long>(
            "--max-length", "BYTES", "Refuse longer requests", "1MiB", TryParseMaxLength);
        Option<System.TimeSpan> timeout = command.Value<System.TimeSpan>(
            "--timeout", "SECONDS", "Reset a client whose request takes longer, 0 for never", "30", Quantity.TryParseLimit);
        Option<Endpoint> upstream = command.Value<Endpoint>(
            "--upstream", "ADDRESS", "Let another transform server do the work", null, Endpoint.TryParse);
        Option<bool> list = command.Flag("--list", "Print the names of the transformations");
        command.Bind = result =>
        {
            if (result.GetValue(list))
            {
                if (TypedBeside(list, command, result) is { } other)
                {
                    return Invocation.Refuse(command.FullName, $"{other.Name} is in vain: {list.Name} only prints names");
                }

                return Invocation.Say(string.Join('\n', TransformService.BuiltIn().Names) + "\n");
            }

            ServerOptions serverOptions = server.Read(result);
            var options = new TransformOptions
            {
                Listen = serverOptions.ListenAt(result.GetValue(listen)),
                TextListen = result.GetResult(textPort) is null
                    ? null
                    : Endpoint.Tcp(serverOptions.Iface, (int)result.GetValue(textPort)),
                MaxLength = (int)result.GetValue(maxLength),
                Timeout = result.GetValue(timeout),
                Upstream = result.GetValue(upstream),
            };
            bool isSame = options.TextListen is { Port: not 0 } text && text.Equals(options.Listen);
            string? problem = isSame ? $"netstrings and text cannot share {options.Listen}"
                : options.Upstream is { } asked && IsServedHere(asked, options) ? $"{asked} is the transform server itself"
                : server.InVain(result, [result.GetValue(listen)], usesIface: options.TextListen is not null);
            return problem is null
                ? Invocation.Of(() => commands.Transform(serverOptions, options))
                : Invocation.Refuse(command.FullName, problem);
        };
        return command;
    }

    private static bool IsServedHere(Endpoint upstream, TransformOptions options) =>
        upstream.Equals(options.Listen) || upstream.Equals(options.TextListen);

    /// <summary>Another option of the command that was typed, if there is one.</summary>
    private static Option? TypedBeside(Option one, CommandSpec command, ParseResult result)
    {
        foreach (Option option in command.Options)
        {
            if (option != one && ServerOptionSet.IsTyped(result, option))
            {
                return option;
            }
        }

        return null;
    }

    /// <summary>A limit of nothing is none, as far as memory reaches.</summary>
    private static bool TryParseMaxLength(string text, out long length, [NotNullWhen(false)] out string? problem)
    {
        if (!Quantity.TryParseSize(text, out length, out problem))
        {
            return false;
        }

        length = length == 0 ? TextBuffer.MostBytes : length;
        problem = length > TextBuffer.MostBytes ? $"'{text}' is more than a request can have, {TextBuffer.MostBytes} bytes" : null;
        return problem is null;
    }
}
