using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The command <c>transform</c>.</summary>
internal sealed class TransformSyntax(Binding binding, ServerSyntax servers)
{
    public static readonly (string Line, string Meaning)[] Examples =
    [
        ("poetry transform --port 11000 --text-port 11001", "on 127.0.0.1"),
        (@"printf 'shout\nhello\n' | nc -N 127.0.0.1 11001", "prints HELLO"),
        ("poetry transform --port 12000 --upstream 11000", "passed on to another transform server"),
        ("poetry transform --list", "the names"),
    ];

    /// <summary>Transform texts by name: netstrings on one port, bare text on another.</summary>
    /// <param name="listen">ADDRESS: Listen here, such as unix:PATH, in place of --port and --iface</param>
    /// <param name="textPort">N: Answer bare text on this port too; 0 takes a free one</param>
    /// <param name="maxLength">BYTES: Refuse longer requests</param>
    /// <param name="timeout">SECONDS: Reset a client whose request takes longer, 0 for never</param>
    /// <param name="maxMemory">BYTES: Maximum memory for all requests and answers (default: 256MiB, at most half of what is available)</param>
    /// <param name="upstream">ADDRESS: Let another transform server do the work</param>
    /// <param name="list">Print the names of the transformations</param>
    public void Transform(
        string? listen = null,
        string? textPort = null,
        string maxLength = "1MiB",
        string timeout = "30",
        string? maxMemory = null,
        string? upstream = null,
        bool list = false)
    {
        ServerOptions server = servers.Options;
        Endpoint? named = binding.Read<Endpoint>(listen, Endpoint.TryParseListening);
        long port = binding.Read<long>(textPort, ServerSyntax.TryParsePort);
        long length = binding.Read<long>(maxLength, Quantity.TryParseSize, RefuseLength);
        var options = new TransformOptions
        {
            Listen = server.ListenAt(named),
            TextListen = textPort is null ? null : Endpoint.Tcp(server.Iface, (int)port),
            MaxLength = (int)(length == 0 ? TextBuffer.MaxBytes : length),
            Timeout = binding.Read<TimeSpan>(timeout, Quantity.TryParseLimit),
            MaxMemory = maxMemory is null ? null : binding.Read<long>(maxMemory, Quantity.TryParseSize, RefuseMemory),
            Upstream = binding.Read<Endpoint>(upstream, Endpoint.TryParse),
        };
        if (list)
        {
            binding.Refuse(binding.OptionBeside("--list") is { } beside ? $"{beside} has no effect: --list only prints names" : null);
            binding.Print(string.Join('\n', TransformService.BuiltIn().Names) + "\n");
            return;
        }

        bool isSame = options.TextListen is { Port: not 0 } text && text.Equals(options.Listen);
        binding.Refuse(isSame ? $"netstrings and text cannot share {options.Listen}" : null);
        bool isServedHere = options.Upstream is { } other && (other.Equals(options.Listen) || other.Equals(options.TextListen));
        binding.Refuse(isServedHere ? $"{options.Upstream} is the transform server itself" : null);
        servers.RefuseUnused([named], usesIface: textPort is not null);
        binding.Run(new TransformCommand(server, options).Run);
    }

    private static string? RefuseMemory(long bytes) =>
        bytes >= TransformLimits.MinMemory ? null : $"is too little memory for requests: at least {TransformLimits.MinMemory / 1024}KiB";

    /// <summary>Checks a maximum length; 0 means the maximum length of a buffer.</summary>
    private static string? RefuseLength(long bytes) =>
        bytes <= TextBuffer.MaxBytes ? null : $"is more than a request can have, {TextBuffer.MaxBytes} bytes";
}
