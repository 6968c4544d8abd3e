using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;

namespace Poetry.Net;

/// <summary>
/// An address in the form that a user writes: <c>PORT</c>, <c>HOST:PORT</c>, <c>[IPV6]:PORT</c> or <c>unix:PATH</c>. The host
/// may be a name that has not been looked up; a <see cref="SocketAddress"/> is the kernel's form. Immutable.
/// </summary>
public sealed class Endpoint : IEquatable<Endpoint>
{
    /// <summary>The host of an address without one: reachable from this machine only.</summary>
    public const string DefaultHost = "127.0.0.1";

    /// <summary>The longest name of DNS, dots included (RFC 1035, 2.3.4).</summary>
    private const int MaxNameLength = 253;

    internal const string InheritedPrefix = "fd:";
    internal const string UnixPrefix = "unix:";
    private const string Forms = "expected PORT, HOST:PORT, [IPV6]:PORT or unix:PATH";

    /// <summary>Host names must not have underscores, but resolvers answer for them, and container tools make such names.</summary>
    private static readonly SearchValues<char> LabelCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The numeric address, or null for a name. Parsed once, since each connect asks for it.</summary>
    private readonly IPAddress? _ip;

    private Endpoint(string host, int port, bool hasHost, string? path)
    {
        _ = TryParseIp(host, out _ip);
        Host = host;
        Port = port;
        HasHost = hasHost;
        UnixPath = path;
    }

    /// <summary>A name, an IPv4 address, or an IPv6 address without brackets; empty for a Unix socket.</summary>
    public string Host { get; }

    /// <summary>0 to 65535. 0 asks for any free port; for a Unix socket it has no meaning.</summary>
    public int Port { get; }

    /// <summary>True if the user named the host. False for a port alone, whose host is <see cref="DefaultHost"/>.</summary>
    internal bool HasHost { get; }

    /// <summary>The path of a Unix socket, or null for TCP.</summary>
    public string? UnixPath { get; }

    /// <summary>The name of a socket that systemd has bound, or null: the addresses of the socket are not known here.</summary>
    internal string? InheritedName { get; private init; }

    /// <summary>True if at most one listener can use this address. Any number of listeners may ask for a free port.</summary>
    internal bool IsFixed => IsUnix || InheritedName is not null || Port != 0;

    /// <summary>True for a Unix socket.</summary>
    [MemberNotNullWhen(true, nameof(UnixPath))]
    public bool IsUnix => UnixPath is not null;

    /// <summary>The longest path of a Unix socket, in bytes of UTF-8: <c>sun_path</c> without its final zero (unix(7); sys/un.h).</summary>
    private static int MaxUnixPathBytes => SockaddrLayout.Current.PathLength - 1;

    /// <summary>An endpoint of TCP.</summary>
    /// <param name="host">A name, or a numeric address without brackets.</param>
    /// <param name="port">0 to 65535.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is not from 0 to 65535.</exception>
    public static Endpoint Tcp(string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return new Endpoint(host, port, hasHost: true, path: null);
    }

    /// <summary>An endpoint of the Unix domain.</summary>
    public static Endpoint Unix(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new Endpoint(string.Empty, 0, hasHost: true, path);
    }

    /// <summary>The endpoint of the sockets that systemd has bound under a name.</summary>
    internal static Endpoint Inherited(string name) => new(string.Empty, 0, hasHost: true, path: null) { InheritedName = name };

    /// <summary>Parses an address to connect to: its port is 1 to 65535.</summary>
    /// <param name="text">The text that the user wrote.</param>
    /// <param name="endpoint">The address, or null.</param>
    /// <param name="problem">The reason why it is not an address, in one line without a full stop. It quotes
    /// <paramref name="text"/> unchanged, so it has to be escaped when it is printed.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out Endpoint? endpoint,
        [NotNullWhen(false)] out string? problem) => TryParse(text, lowestPort: 1, out endpoint, out problem);

    /// <summary>Parses an address to listen on: like <see cref="TryParse(string, out Endpoint?, out string?)"/>, with port 0.</summary>
    internal static bool TryParseListening(
        string text,
        [NotNullWhen(true)] out Endpoint? endpoint,
        [NotNullWhen(false)] out string? problem) => TryParse(text, lowestPort: 0, out endpoint, out problem);

    /// <summary>Parses a host without a port: a name, an IPv4 address, or an IPv6 address with or without brackets.</summary>
    /// <param name="text">The text that the user wrote.</param>
    /// <param name="host">The host without brackets.</param>
    /// <param name="problem">The reason why it is not a host.</param>
    internal static bool TryParseHost(
        string text,
        [NotNullWhen(true)] out string? host,
        [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        host = text is ['[', .., ']'] ? text[1..^1] : text;
        problem = host.Contains(':') || host.Length < text.Length
            ? (TryParseIPv6(host, out _) ? null : host.AsSpan().Count(':') == 1 ? "a port is not part of it" : "that is no IPv6 address")
            : ProblemOfHost(host);
        if (problem is null)
        {
            return true;
        }

        host = null;
        problem = $"'{text}' is not a host: {problem}";
        return false;
    }

    /// <summary>This address, with a host if the user named none: <c>10001</c> with <c>--iface ::1</c> is <c>[::1]:10001</c>.</summary>
    internal Endpoint WithDefaultHost(string host) =>
        HasHost ? this : new Endpoint(host, Port, hasHost: false, path: null);

    /// <summary>Gets the kernel's form of the address, if no name has to be looked up.</summary>
    /// <param name="address">A numeric address or a path.</param>
    /// <returns>False if the host is a name.</returns>
    public bool TryGetAddress(out SocketAddress address)
    {
        if (IsUnix)
        {
            address = SocketAddress.Unix(UnixPath);
            return true;
        }

        address = _ip is null ? default : SocketAddress.Ip(_ip, (ushort)Port);
        return _ip is not null;
    }

    /// <inheritdoc/>
    public bool Equals(Endpoint? other) =>
        other is not null && string.Equals(Host, other.Host, StringComparison.OrdinalIgnoreCase) && Port == other.Port
        && UnixPath == other.UnixPath && InheritedName == other.InheritedName;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Endpoint);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Host?.ToUpperInvariant(), Port, UnixPath, InheritedName);

    /// <summary>The text of the address, with the default host if the user named none.</summary>
    public override string ToString()
    {
        if (IsUnix)
        {
            return UnixPrefix + UnixPath;
        }

        if (InheritedName is not null)
        {
            return InheritedPrefix + InheritedName;
        }

        string port = Port.ToString(CultureInfo.InvariantCulture);
        return Host.Contains(':') ? $"[{Host}]:{port}" : $"{Host}:{port}";
    }

    private static bool TryParse(
        string text,
        int lowestPort,
        [NotNullWhen(true)] out Endpoint? endpoint,
        [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        problem = text.StartsWith(UnixPrefix, StringComparison.Ordinal)
            ? ReadUnix(text[UnixPrefix.Length..], out endpoint)
            : ReadTcp(text, lowestPort, out endpoint);
        if (problem is null && endpoint is not null)
        {
            return true;
        }

        problem = $"'{text}' is not an address: {problem}";
        return false;
    }

    private static string? ReadUnix(string path, out Endpoint? endpoint)
    {
        endpoint = null;
        if (path.Length == 0)
        {
            return "there is no path after 'unix:'";
        }

        // A zero as the first byte would name Linux's abstract namespace; elsewhere a zero ends the path.
        if (path.Contains('\0'))
        {
            return "a path has no zero bytes";
        }

        if (Encoding.UTF8.GetByteCount(path) > MaxUnixPathBytes)
        {
            return string.Create(CultureInfo.InvariantCulture, $"the path of a Unix socket has at most {MaxUnixPathBytes} bytes");
        }

        endpoint = Unix(path);
        return null;
    }

    private static string? ReadTcp(string text, int lowestPort, out Endpoint? endpoint)
    {
        endpoint = null;
        if (text.Contains("://", StringComparison.Ordinal))
        {
            return "a URL is no address, say HOST:PORT";
        }

        string? host;
        ReadOnlySpan<char> portText;
        if (text.StartsWith('['))
        {
            int bracket = text.IndexOf(']');
            if (bracket < 0)
            {
                return "the bracket is not closed";
            }

            host = text[1..bracket];
            if (!TryParseIPv6(host, out _))
            {
                return "between the brackets is no IPv6 address";
            }

            if (bracket + 1 == text.Length || text[bracket + 1] != ':')
            {
                return $"there is no port after the bracket, as in [{host}]:10001";
            }

            portText = text.AsSpan(bracket + 2);
        }
        else
        {
            int colon = text.IndexOf(':');
            if (colon != text.LastIndexOf(':'))
            {
                return "an IPv6 address needs brackets, as in [::1]:10001";
            }

            host = colon < 0 ? null : text[..colon];
            portText = text.AsSpan(colon + 1);
            if (colon < 0 && !IsDigits(portText))
            {
                return Forms;
            }

            if (host is not null && ProblemOfHost(host) is { } problem)
            {
                return problem;
            }
        }

        if (!TryParsePort(portText, out int port) || port < lowestPort)
        {
            return portText.IsEmpty ? "there is no port after the colon"
                : lowestPort == 0 ? "a port is a number from 0 to 65535" : "a port is a number from 1 to 65535";
        }

        endpoint = new Endpoint(host ?? DefaultHost, port, host is not null, path: null);
        return null;
    }

    /// <summary>Checks a name or an IPv4 address, so that a mistyped one does not reach the resolver.</summary>
    /// <returns>The error, or null.</returns>
    private static string? ProblemOfHost(string host)
    {
        if (host.Length == 0)
        {
            return "there is no host";
        }

        ReadOnlySpan<char> name = host.EndsWith('.') ? host.AsSpan(0, host.Length - 1) : host;
        foreach (Range range in name.Split('.'))
        {
            // Labels have at most 63 bytes (RFC 1035, 2.3.4).
            ReadOnlySpan<char> label = name[range];
            if (label.Length is 0 or > 63 || label.ContainsAnyExcept(LabelCharacters))
            {
                return $"'{host}' is no host name";
            }
        }

        bool isNumeric = !host.AsSpan().ContainsAnyExceptInRange('.', '9');
        if (isNumeric)
        {
            return TryParseIp(host, out _) ? null : $"'{host}' is no IPv4 address";
        }

        return host.Length > MaxNameLength || host[0] == '-' ? $"'{host}' is no host name" : null;
    }

    /// <summary>Parses IPv6, or IPv4 as four decimal numbers. Octal is refused: <c>010.0.0.1</c> has had two meanings.</summary>
    private static bool TryParseIp(string text, [NotNullWhen(true)] out IPAddress? address) =>
        TryParseIPv6(text, out address) || (IPAddress.TryParse(text, out address) && address.ToString() == text);

    private static bool TryParseIPv6(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return text.Contains(':')
            && text.AsSpan().IndexOfAny('[', ']', '/') < 0
            && IPAddress.TryParse(text, out address);
    }

    private static bool IsDigits(ReadOnlySpan<char> text) =>
        !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
    {
        bool isPort = ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && IsDigits(text);
        port = number;
        return isPort;
    }
}
