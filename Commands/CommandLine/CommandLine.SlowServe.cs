using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <content>The command <c>slow-serve</c>.</content>
internal static partial class CommandLine
{
    private static CommandSpec SlowServe(ICommands commands)
    {
        var command = new CommandSpec("slow-serve", "Send a poem to everyone who connects, a few bytes at a time.")
        {
            Examples =
            [
                ("poetry slow-serve --port 10001 ecstasy.txt", "ten bytes every 0.7 seconds"),
                ("poetry slow-serve --port 10002 --num-bytes 30 --delay 100ms fascination.txt", "not quite so slow"),
            ],
        };
        Argument<ListenArgument[]> poems = PoemsOf(command);
        Option<long> bytes = command.Value<long>("--num-bytes", "N", "Bytes in a piece", "10", TryParsePiece);
        Option<System.TimeSpan> delay = command.Value<System.TimeSpan>(
            "--delay", "SECONDS", "Time from piece to piece", "0.7", Quantity.TryParseDuration);
        var server = new ServerOptionSet(command);
        Option<bool> netstring = FrameOf(command);
        command.Bind = result =>
        {
            ServerOptions options = server.Read(result);
            PoemFormat format = result.GetValue(netstring) ? PoemFormat.Netstring : PoemFormat.Plain;
            var pace = new Pace(result.GetValue(bytes), result.GetValue(delay));
            ListenArgument[] arguments = result.GetValue(poems) ?? [];
            return TryPlacePoems(command, arguments, options, out ServedPoem[] placed, out string? problem)
                && (problem = server.InVain(result, ListenArgument.Places(arguments))) is null
                ? Invocation.Of(() => commands.SlowServe(options, placed, pace, format))
                : Invocation.Refuse(command.FullName, problem);
        };
        return command;
    }

    /// <summary>Reads the length of a piece: nothing at a time would never come to an end.</summary>
    private static bool TryParsePiece(string text, out long bytes, [NotNullWhen(false)] out string? problem)
    {
        if (Quantity.TryParseSize(text, out bytes, out problem) && bytes == 0)
        {
            problem = $"'{text}' bytes at a time would never come to an end";
        }

        return problem is null;
    }
}
